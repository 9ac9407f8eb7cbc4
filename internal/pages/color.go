package pages

import (
	"encoding/hex"
	"fmt"
	"math"
)

// rgb is an sRGB colour.
type rgb [3]byte

var (
	black = rgb{0, 0, 0}
	white = rgb{255, 255, 255}
)

// readable is the least contrast of text with what is behind it (WCAG 2.2, 1.4.3).
const readable = 4.5

func parseColor(s string) (rgb, bool) {
	var c rgb
	if len(s) != 7 || s[0] != '#' {
		return c, false
	}
	_, err := hex.Decode(c[:], []byte(s[1:]))
	return c, err == nil
}

func (c rgb) String() string { return fmt.Sprintf("#%02x%02x%02x", c[0], c[1], c[2]) }

// luminance is WCAG's relative luminance, from 0 to 1.
func (c rgb) luminance() float64 {
	var linear [3]float64
	for i, v := range c {
		s := float64(v) / 255
		if s <= 0.04045 {
			linear[i] = s / 12.92
		} else {
			linear[i] = math.Pow((s+0.055)/1.055, 2.4)
		}
	}
	return 0.2126*linear[0] + 0.7152*linear[1] + 0.0722*linear[2]
}

// contrast is WCAG's ratio, from 1 to 21.
func contrast(a, b rgb) float64 {
	x, y := a.luminance(), b.luminance()
	return (max(x, y) + 0.05) / (min(x, y) + 0.05)
}

// textOn is black or white. The better of the two has a contrast of at least 4.58
// with every colour, the square root of 21.
func textOn(back rgb) rgb {
	if contrast(white, back) >= contrast(black, back) {
		return white
	}
	return black
}

// inked moves a colour towards black or white, no further than it must, until it
// reads as text on that background.
func (c rgb) inked(back rgb) rgb {
	target := textOn(back)
	for share := 0; share < 100; share += 2 {
		if ink := mix(c, target, share); contrast(ink, back) >= readable {
			return ink
		}
	}
	return target
}

func mix(a, b rgb, percentOfB int) rgb {
	var out rgb
	for i := range out {
		out[i] = byte((int(a[i])*(100-percentOfB) + int(b[i])*percentOfB) / 100)
	}
	return out
}

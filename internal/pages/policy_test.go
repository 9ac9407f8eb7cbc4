package pages_test

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/wayleave/wayleave/internal/pages"
)

var styleElement = regexp.MustCompile(`(?s)<style>(.*)</style>`)

func styleOf(t *testing.T, page string) string {
	t.Helper()
	found := styleElement.FindStringSubmatch(page)
	if found == nil {
		t.Fatal("no style element")
	}
	return found[1]
}

func TestCBK22ThePolicyAllowsTheStyleOfItsPagesByHash(t *testing.T) {
	for _, site := range []pages.Site{{}, tracker, {Accent: "#ffee00", Language: "ar"}} {
		p := newPages(t, site)
		for name, page := range everyPage(t, p) {
			hash := sha256.Sum256([]byte(styleOf(t, page)))
			want := "style-src 'sha256-" + base64.StdEncoding.EncodeToString(hash[:]) + "';"
			if !strings.Contains(p.CSP(), want) {
				t.Errorf("%s: %q is not in %q", name, want, p.CSP())
			}
		}
	}
}

func TestCBK22ThePolicyAllowsNothingElse(t *testing.T) {
	hash := regexp.MustCompile(`'sha256-[A-Za-z0-9+/]{43}='`)
	plain, logo := newPages(t, pages.Site{}), newPages(t, tracker)
	tests := map[string]struct{ got, want string }{
		"without a logo": {plain.CSP(), "default-src 'none'; style-src HASH; base-uri 'none'; frame-ancestors 'none'; form-action 'self'"},
		"with a logo":    {logo.CSP(), "default-src 'none'; style-src HASH; img-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if got := hash.ReplaceAllString(test.got, "HASH"); got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
}

func TestAnOriginIsWhatAPolicyCanName(t *testing.T) {
	for target, want := range map[string]string{
		"https://id.example.com/a/b?c#d":  "https://id.example.com",
		"https://id.example.com:8443/":    "https://id.example.com:8443",
		"HTTPS://id.example.com":          "https://id.example.com",
		"https://user:pw@id.example.com/": "https://id.example.com",
		"http://127.0.0.1:9000/end":       "http://127.0.0.1:9000",
		"http://my_keycloak:8080":         "http://my_keycloak:8080",
		"http://[::1]:9000/end":           "http://*:9000",
		"https://[2001:db8::1]/":          "",
		"https://*/":                      "",
		"https://*.example.com/":          "",
		"https://a;script-src 'none'":     "",
		"https://a;script-src":            "",
		"https://a,b/":                    "",
		"https://a'b/":                    "",
		"https://a b/":                    "",
		"https://a\r\nX: y/":              "",
		"https://bücher.example/":         "",
		"https:///a":                      "",
		"https://:443/":                   "",
		"javascript:alert(1)":             "",
		"data:text/html,x":                "",
		"wss://id.example.com":            "",
		"//id.example.com":                "",
		"/auth/logout":                    "",
		"*":                               "",
		"'unsafe-inline'":                 "",
		"":                                "",
	} {
		if got := pages.Origin(target); got != want {
			t.Errorf("%q is %q, want %q", target, got, want)
		}
	}
}

// TestTextCanBeRead computes WCAG 2.2's contrast from the style that a page has,
// for accents all over the colour space.
func TestTextCanBeRead(t *testing.T) {
	steps := []int{0, 0x33, 0x77, 0x99, 0xcc, 0xff}
	for _, r := range steps {
		for _, g := range steps {
			for _, b := range steps {
				accent := fmt.Sprintf("#%02x%02x%02x", r, g, b)
				light, dark := palettes(t, signIn(t, newPages(t, pages.Site{Accent: accent}), pages.SignIn{}))
				if light["accent"] != accent {
					t.Fatalf("the accent is %s, want %s", light["accent"], accent)
				}
				wantContrast(t, light, "on-accent", "accent", 4.5)
				for _, palette := range []map[string]string{light, dark} {
					wantContrast(t, palette, "ink", "card", 4.5)
				}
			}
		}
	}
	light, dark := palettes(t, signIn(t, newPages(t, pages.Site{}), pages.SignIn{}))
	for _, palette := range []map[string]string{light, dark} {
		for _, back := range []string{"page", "card"} {
			wantContrast(t, palette, "text", back, 7)
			wantContrast(t, palette, "soft", back, 4.5)
		}
		wantContrast(t, palette, "text", "mark", 4.5)
		wantContrast(t, palette, "edge", "card", 3) // 1.4.11: what shows a button
		wantContrast(t, palette, "on-accent", "accent", 4.5)
	}
}

func wantContrast(t *testing.T, palette map[string]string, text, back string, least float64) {
	t.Helper()
	x, y := luminance(t, palette[text]), luminance(t, palette[back])
	if got := (max(x, y) + 0.05) / (min(x, y) + 0.05); got < least {
		t.Errorf("%s %s on %s %s has a contrast of %.2f, want %.1f", text, palette[text], back, palette[back], got, least)
	}
}

var (
	variable = regexp.MustCompile(`--([a-z-]+): ?(#[0-9a-f]{6})`)
	darkRule = regexp.MustCompile(`@media ?\(prefers-color-scheme: ?dark\) ?\{\s*:root ?\{[^}]*\}\s*\}`)
)

// palettes are the colours of a page in light, and in dark where they differ.
func palettes(t *testing.T, page string) (light, dark map[string]string) {
	t.Helper()
	style := styleOf(t, page)
	light, dark = map[string]string{}, map[string]string{}
	for _, v := range variable.FindAllStringSubmatch(darkRule.ReplaceAllString(style, ""), -1) {
		light[v[1]], dark[v[1]] = v[2], v[2]
	}
	for _, rule := range darkRule.FindAllString(style, -1) {
		for _, v := range variable.FindAllStringSubmatch(rule, -1) {
			dark[v[1]] = v[2]
		}
	}
	if light["card"] == "" || light["card"] == dark["card"] || light["ink"] == "" {
		t.Fatalf("no palettes in\n%s", style)
	}
	return light, dark
}

func luminance(t *testing.T, color string) float64 {
	t.Helper()
	sum := 0.0
	for i, weight := range []float64{0.2126, 0.7152, 0.0722} {
		v, err := strconv.ParseUint(color[1+2*i:3+2*i], 16, 8)
		if err != nil {
			t.Fatal(err)
		}
		s := float64(v) / 255
		if s <= 0.04045 {
			sum += weight * s / 12.92
		} else {
			sum += weight * math.Pow((s+0.055)/1.055, 2.4)
		}
	}
	return sum
}

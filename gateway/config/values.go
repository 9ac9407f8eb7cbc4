package config

import (
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// anyText is the schema of text, which YAML calls a number where it looks so.
func anyText() map[string]any {
	return map[string]any{"type": []string{"string", "number", "boolean"}}
}

func pattern(p string, examples ...string) map[string]any {
	return map[string]any{"type": "string", "pattern": p, "examples": examples}
}

func text(what string) shape[string] {
	return scalar(what, anyText(), func(text string) (string, *fault) { return text, nil })
}

// matching is text of one form. The pattern has to be one of JSON Schema too.
func matching(what, p, cure string, examples ...string) shape[string] {
	re := regexp.MustCompile(p)
	return scalar(what, pattern(p, examples...), func(text string) (string, *fault) {
		if !re.MatchString(text) {
			return "", &fault{cure: cure}
		}
		return text, nil
	})
}

func boolean() shape[bool] {
	return scalar("true or false", map[string]any{"type": "boolean"}, func(text string) (bool, *fault) {
		if text != "true" && text != "false" {
			return false, &fault{}
		}
		return text == "true", nil
	})
}

func oneOf[T ~string](values ...T) shape[T] {
	names := make([]string, len(values))
	for i, v := range values {
		names[i] = string(v)
	}
	return scalar("one of "+strings.Join(names, ", "), map[string]any{"enum": names}, func(text string) (T, *fault) {
		if !slices.Contains(names, text) {
			return "", &fault{cure: didYouMean(text, names)}
		}
		return T(text), nil
	})
}

// maxDuration is beyond what anything here waits for.
const maxDuration = 10 * 365 * 24 * time.Hour

const durationPattern = `^([0-9]+(\.[0-9]+)?(ms|s|m|h|d))+$`

var durationRE = regexp.MustCompile(durationPattern)

func duration() shape[time.Duration] {
	return scalar("a duration such as 30s", pattern(durationPattern, "30s", "10m", "12h", "30d"), func(text string) (time.Duration, *fault) {
		if !durationRE.MatchString(text) {
			if _, err := strconv.ParseFloat(text, 64); err == nil {
				return 0, &fault{cure: "say the unit: ms, s, m, h or d"}
			}
			return 0, &fault{cure: "the units are ms, s, m, h and d"}
		}
		var sum float64
		for _, part := range durationPart.FindAllStringSubmatch(text, -1) {
			number, _ := strconv.ParseFloat(part[1], 64)
			sum += number * float64(durationUnits[part[2]])
		}
		if sum < float64(time.Millisecond) || sum > float64(maxDuration) {
			return 0, &fault{cure: "use more than 0 and at most 3650d"}
		}
		return time.Duration(sum), nil
	})
}

var (
	durationPart  = regexp.MustCompile(`([0-9.]+)(ms|s|m|h|d)`)
	durationUnits = map[string]time.Duration{"ms": time.Millisecond, "s": time.Second, "m": time.Minute, "h": time.Hour, "d": 24 * time.Hour}
)

const sizePattern = `^([0-9]+(\.[0-9]+)?) ?(B|kB|KB|KiB|MB|MiB|GB|GiB)$`

var (
	sizeRE    = regexp.MustCompile(sizePattern)
	sizeUnits = map[string]float64{"B": 1, "kB": 1e3, "KB": 1e3, "KiB": 1 << 10, "MB": 1e6, "MiB": 1 << 20, "GB": 1e9, "GiB": 1 << 30}
)

// size is a number of bytes; none, where it can be written, is -1.
func size(orNone bool) shape[int64] {
	what, p := "a size such as 10MB", sizePattern
	if orNone {
		what, p = what+", or none", p+"|^none$"
	}
	return scalar(what, pattern(p, "10MB", "32KiB"), func(text string) (int64, *fault) {
		if orNone && text == "none" {
			return -1, nil
		}
		return parseSize(text, 1, 1<<50, "use more than 0, and less than a million GB")
	})
}

// headerSize is a size that fits a header.
func headerSize() shape[int] {
	return scalar("a size such as 32KiB", pattern(sizePattern, "32KiB"), func(text string) (int, *fault) {
		n, f := parseSize(text, 4<<10, 1<<20, "use 4KiB to 1MiB")
		return int(n), f
	})
}

func parseSize(text string, least, most float64, cure string) (int64, *fault) {
	m := sizeRE.FindStringSubmatch(text)
	if m == nil {
		return 0, &fault{cure: "the units are B, kB, MB, GB and KiB, MiB, GiB"}
	}
	number, _ := strconv.ParseFloat(m[1], 64)
	if number *= sizeUnits[m[3]]; number < least || number > most {
		return 0, &fault{cure: cure}
	}
	return int64(number), nil
}

const ratePattern = `^([0-9]+(\.[0-9]+)?)/(s|m|h)$`

var rateRE = regexp.MustCompile(ratePattern)

func rate() shape[float64] {
	return scalar("a rate such as 50/s", pattern(ratePattern, "50/s", "10/m"), func(text string) (float64, *fault) {
		m := rateRE.FindStringSubmatch(text)
		if m == nil {
			return 0, &fault{cure: "write a number with /s, /m or /h"}
		}
		number, _ := strconv.ParseFloat(m[1], 64)
		if number /= durationUnits[m[3]].Seconds(); number <= 0 || number > 1e6 || math.IsNaN(number) {
			return 0, &fault{cure: "use more than 0, and at most 1000000/s"}
		}
		return number, nil
	})
}

// count is a number from 1; none is -1.
func count() shape[int] {
	schema := map[string]any{"anyOf": []any{map[string]any{"type": "integer", "minimum": 1, "maximum": 1_000_000}, map[string]any{"const": "none"}}}
	return scalar("a number from 1 to 1000000, or none", schema, func(text string) (int, *fault) {
		if text == "none" {
			return -1, nil
		}
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > 1_000_000 {
			return 0, &fault{}
		}
		return n, nil
	})
}

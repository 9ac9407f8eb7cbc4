package strictjson_test

import (
	"math/big"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/wayleave/wayleave/internal/strictjson"
	"pgregory.net/rapid"
)

func TestIDT09_NumericDate(t *testing.T) {
	for text, want := range map[string]string{
		"0":                      "1970-01-01T00:00:00Z",
		"-0":                     "1970-01-01T00:00:00Z",
		"-0.0e5":                 "1970-01-01T00:00:00Z",
		"1.5":                    "1970-01-01T00:00:01.5Z",
		"1700000000":             "2023-11-14T22:13:20Z",
		"1.7e9":                  "2023-11-14T22:13:20Z",
		"17E+8":                  "2023-11-14T22:13:20Z",
		"17000000000000e-4":      "2023-11-14T22:13:20Z",
		"1700000000.123456789":   "2023-11-14T22:13:20.123456789Z",
		"1700000000.1234567899":  "2023-11-14T22:13:20.123456789Z",
		"253402300799.999999999": "9999-12-31T23:59:59.999999999Z",
		"1e-400":                 "1970-01-01T00:00:00Z",
		"0e999999999999999999":   "1970-01-01T00:00:00Z",
		"0.0000000001e10":        "1970-01-01T00:00:01Z",
	} {
		got, err := strictjson.NumericDate(text)
		if err != nil || got.Format(time.RFC3339Nano) != want {
			t.Errorf("%s: %s %v, want %s", text, got.Format(time.RFC3339Nano), err, want)
		}
	}
	for text, want := range map[string]string{
		"-1":                     "before 1970",
		"-0.0000000001":          "before 1970",
		"-1e400":                 "before 1970",
		"1e400":                  "after the year 9999",
		"9.3e18":                 "after the year 9999",
		"9223372036854775807":    "after the year 9999",
		"18446744073709551617":   "after the year 9999", // one, if it wrapped
		"253402300800":           "after the year 9999",
		"1e999999999999999999":   "after the year 9999",
		"":                       "not a number",
		`"5"`:                    "not a number",
		"05":                     "not a number",
		"+5":                     "not a number",
		" 5":                     "not a number",
		"5 ":                     "not a number",
		"0x5":                    "not a number",
		"1_000":                  "not a number",
		"NaN":                    "not a number",
		"Inf":                    "not a number",
		"null":                   "not a number",
		strings.Repeat("9", 1e6): "after the year 9999",
	} {
		if got, err := strictjson.NumericDate(text); err == nil || err.Error() != want || !got.IsZero() {
			t.Errorf("%.30s: %v %v, want %s", text, got, err, want)
		}
	}
}

func TestTOK07_Seconds(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"0": 0, "-5": 0, "-1e400": 0, "3600": time.Hour, "3600.9": time.Hour, "3.6e3": time.Hour, "0.9": 0,
		"9223372037": strictjson.MaxDuration, "1e400": strictjson.MaxDuration, "18446744073709551617": strictjson.MaxDuration,
	} {
		if got, err := strictjson.Seconds(text); got != want || err != nil {
			t.Errorf("%s: %v %v, want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"", "3600s", `"3600"`, "١"} {
		if got, err := strictjson.Seconds(text); err == nil || got != 0 {
			t.Errorf("%s: %v", text, got)
		}
	}
}

// Every number is converted as exact arithmetic does it.
func TestIDT09_NumericDateIsExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringMatching(`-?(0|[1-9][0-9]{0,20})(\.[0-9]{1,15})?([eE][+-]?[0-9]{1,2})?`).Draw(t, "number")
		exact, ok := new(big.Rat).SetString(text)
		if !ok {
			t.Fatalf("%s is no number to math/big", text)
		}
		inRange := exact.Sign() >= 0 && exact.Cmp(new(big.Rat).SetInt64(253402300800)) < 0
		got, err := strictjson.NumericDate(text)
		if (err == nil) != inRange {
			t.Fatalf("%s: %v", text, err)
		}
		if !inRange {
			return
		}
		nanos := new(big.Rat).Mul(exact, big.NewRat(1e9, 1))
		want := new(big.Int).Quo(nanos.Num(), nanos.Denom())
		have := new(big.Int).Add(new(big.Int).Mul(big.NewInt(got.Unix()), big.NewInt(1e9)), big.NewInt(int64(got.Nanosecond())))
		if want.Cmp(have) != 0 {
			t.Fatalf("%s: got %s, want %s", text, have, want)
		}
	})
}

func FuzzNumericDate(f *testing.F) {
	for _, s := range []string{"1.5", "-1", "1e400", "9.3e18", "5", "0.1e-7"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := strictjson.NumericDate(text)
		if err != nil {
			return
		}
		approx, err := strconv.ParseFloat(text, 64)
		if err != nil {
			t.Fatalf("%q is no number to strconv", text)
		}
		if diff := approx - float64(got.UnixNano()/1e3)/1e6; got.Year() < 2200 && (diff > 1e-3 || diff < -1e-3) {
			t.Errorf("%q: %v", text, got)
		}
	})
}

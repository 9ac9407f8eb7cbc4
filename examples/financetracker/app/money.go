package app

import (
	"cmp"
	"strconv"
	"strings"
)

var currencySigns = map[string]string{"EUR": "€", "USD": "$", "GBP": "£"}

// amount writes money as in "−€1,234.50": with a real minus sign, which lines up
// with digits.
func amount(cents int64, currency string) string {
	sign, abs := "", uint64(cents)
	if cents < 0 {
		sign, abs = "−", -abs
	}
	return sign + cmp.Or(currencySigns[currency], currency+" ") + thousands(abs/100) + "." + twoDigits(abs%100)
}

func thousands(n uint64) string {
	digits := strconv.FormatUint(n, 10)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}

func twoDigits(n uint64) string { return string([]byte{'0' + byte(n/10), '0' + byte(n%10)}) }

// capital begins a word of the API, such as a category, with a capital letter.
func capital(word string) string {
	return strings.ToUpper(word[:min(1, len(word))]) + word[min(1, len(word)):]
}

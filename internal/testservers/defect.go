package testservers

import "strings"

// Defect returns what a program of ours has printed of a defect that did not end
// it, from there on; else nothing. A data race counts if the program was built to
// find them.
func Defect(printed string) string {
	for _, sign := range []string{"DATA RACE", "panic serving ", "panic: ", "fatal error: "} {
		if i := strings.Index(printed, sign); i >= 0 {
			return printed[max(0, i-100):]
		}
	}
	return ""
}

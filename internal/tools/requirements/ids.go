package main

import (
	"regexp"
	"strings"
)

// An id is written with the dash in text (CBK-07) and without it in a
// function's name (CBK07), where a dash cannot be. Text may leave the dash out
// too, and numbers have two digits, so that POP3 is not an id; with the dash
// one digit is read as well, to be reported as unknown.
const (
	prefixes = `(?:NET|DIS|CLA|AZR|CBK|TOK|JWK|IDT|USR|POL|SES|PRX|API|REF|LGO|REV|POP|OPS|ADJ)`
	idInName = `(?:` + prefixes + `[0-9]{2}[bc]?|RET[1-9]|A[0-9]{3})`
	idInText = `(?:` + prefixes + `(?:-[0-9]{1,2}|[0-9]{2})[bc]?|RET-?[1-9]|A[0-9]{3})`
)

var (
	nameID = regexp.MustCompile(idInName)
	textID = regexp.MustCompile(idInText)

	// The segment of a name is ids and then nothing, or a new word, so that
	// A256GCM and SHA256 are not ids.
	nameSegment = regexp.MustCompile(`^(` + idInName + `+)(?:$|[A-Z][a-z])`)
	// The head of a text is ids and then no letter or digit.
	textHead = regexp.MustCompile(`^` + idInText + `(?:[\s,/+&_]+` + idInText + `)*(?:$|[^A-Za-z0-9])`)

	idShape = regexp.MustCompile(`^([A-Z]+)-?([0-9]+)([A-Z]?)$`)
)

// idsInName returns the ids of a test function's name: TestCBK07_A008_Twice.
func idsInName(name string) []string {
	var ids []string
	for segment := range strings.SplitSeq(name, "_") {
		if m := nameSegment.FindStringSubmatch(segment); m != nil {
			ids = append(ids, canonical(nameID.FindAllString(m[1], -1))...)
		}
	}
	return ids
}

// idsInText returns the ids with which a text begins: "A267, A260: crit".
func idsInText(text string) []string {
	return canonical(textID.FindAllString(textHead.FindString(text), -1))
}

// canonical spells ids as the document does.
func canonical(ids []string) []string {
	for i, id := range ids {
		m := idShape.FindStringSubmatch(strings.ToUpper(id))
		if m[1] != "A" {
			m[1] += "-"
		}
		ids[i] = m[1] + m[2] + strings.ToLower(m[3])
	}
	return ids
}

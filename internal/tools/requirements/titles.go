package main

import (
	"regexp"
	"strconv"
)

var (
	// commentOrString splits JavaScript as far as is needed to tell the
	// slashes of an address from those that begin a comment.
	commentOrString = regexp.MustCompile("//[^\\n]*|/\\*(?s:.*?)\\*/|" +
		`'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|` + "`(?:\\\\.|[^`\\\\])*`")
	// title is the call that declares a test in node:test and its like. A test
	// declared by test.skip or test.todo does not run and does not match.
	title = regexp.MustCompile(`\b(?:test|it|describe|step)\s*\(\s*['"` + "`" + `]([^'"` + "`" + `\n]*)`)
)

// titles returns the ids with which the titles of a JavaScript file's tests
// begin.
func titles(name, text string) []mention {
	text = commentOrString.ReplaceAllStringFunc(text, func(s string) string {
		if s[0] == '/' {
			return ""
		}
		return s
	})
	var found []mention
	for _, m := range title.FindAllStringSubmatch(text, -1) {
		for _, id := range idsInText(m[1]) {
			found = append(found, mention{id, name + ":" + strconv.Quote(m[1])})
		}
	}
	return found
}

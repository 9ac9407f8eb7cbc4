package config_test

import (
	"strings"
	"testing"
)

// TestWhatIsMeantIsNotWarnedOf: each of these lists of routes leaves some methods
// to another route, as its author can see.
func TestWhatIsMeantIsNotWarnedOf(t *testing.T) {
	const up = "upstream: http://127.0.0.1:3000"
	for name, routes := range map[string][]string{
		"a public page of one method":           {"path: /public, methods: [GET], allow: public", "path: /, allow: signed_in"},
		"the others are closed":                 {"path: /admin, methods: [GET], allow: {emails: ada@acme.example}", "path: /admin, allow: nobody", "path: /, allow: signed_in"},
		"the others have a route each":          {"path: /a, methods: [GET], allow: signed_in", "path: /a, allow: {emails: ada@acme.example}"},
		"nothing else is served":                {"path: /a, methods: [GET], allow: signed_in"},
		"what else is served serves nobody":     {"path: /a, methods: [GET], allow: signed_in", "path: /, allow: nobody"},
		"the whole app has these methods alone": {"path: /a, methods: [GET], allow: {emails: ada@acme.example}", "path: /, methods: [GET], allow: signed_in"},
		"another part of the app":               {"path: /a, methods: [GET], allow: signed_in", "path: /ab, allow: signed_in"},
	} {
		t.Run(name, func(t *testing.T) {
			var yaml strings.Builder
			yaml.WriteString(strings.TrimSuffix(small, routeLine) + "routes:\n")
			for _, r := range routes {
				yaml.WriteString("  - {" + up + ", " + r + "}\n")
			}
			c, err := read(t, t.TempDir(), yaml.String())
			if err != nil || len(c.Warnings) > 0 {
				t.Errorf("%v, %v", c.Warnings, err)
			}
		})
	}
}

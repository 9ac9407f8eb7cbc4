package oauth2proxy

import (
	"regexp"
	"strings"
	"testing"
)

func TestExpressionsThatArePaths(t *testing.T) {
	for expression, want := range map[string]string{
		`^/health$`:                         "=/health",
		`^/static/`:                         "/static/",
		`^/static/.*`:                       "/static/",
		`^/static/.*$`:                      "/static/",
		`^/docs`:                            "/docs narrower",
		`^/docs(/|$)`:                       "/docs",
		`^/docs(/.*)?$`:                     "/docs",
		`^/docs/?$`:                         "=/docs =/docs/",
		`^/(css|js)/`:                       "/css/ /js/",
		`^/favicon.ico$`:                    "=/favicon.ico narrower",
		`^/favicon\.ico$`:                   "=/favicon.ico",
		`(?i)^/x$`:                          "=/X narrower",
		`.*`:                                "/",
		`^/`:                                "/",
		`/health`:                           "none",
		`^/static/.+`:                       "none",
		`^/v[0-9]+/`:                        "none",
		`^/[a-z]+$`:                         "none",
		`^/\w+$`:                            "none",
		`health$`:                           "none",
		`^health$`:                          "none",
		`^/a//b$`:                           "none",
		`^/a/../b$`:                         "none",
		`(`:                                 "none",
		`^/(a|b)(c|d)(e|f)(g|h)(i|j)(k|l)$`: "none",
		`(?m)^/x$`:                          "none",
		`^$`:                                "none",
		`^/a\?b$`:                           "none",
	} {
		t.Run(expression, func(t *testing.T) {
			found, narrower, ok := areas(expression)
			var words []string
			for _, a := range found {
				words = append(words, map[bool]string{true: "="}[a.exact]+a.path)
			}
			if narrower {
				words = append(words, "narrower")
			}
			if !ok {
				words = []string{"none"}
			}
			if got := strings.Join(words, " "); got != want {
				t.Errorf("%s, want %s", got, want)
			}
		})
	}
}

// What ours lets in, theirs does too.
func FuzzAreasAreNeverWider(f *testing.F) {
	for _, e := range []string{`^/health$`, `^/docs(/.*)?$`, `^/a|^/b$`, `^/(css|js)/`, `.*`, `^/x.y`, `^(/a)?(/b)?$`} {
		f.Add(e, "/docs/x")
	}
	f.Fuzz(func(t *testing.T, expression, path string) {
		re, err := regexp.Compile(expression)
		found, _, ok := areas(expression)
		if !ok {
			return
		}
		if err != nil {
			t.Fatalf("areas of %q, which is no expression", expression)
		}
		for _, a := range found {
			tries := []string{a.path}
			if !a.exact {
				tries = append(tries, strings.TrimSuffix(a.path, "/")+"/"+strings.TrimPrefix(strings.ReplaceAll(path, "\n", ""), "/"))
			}
			for _, try := range tries {
				if a.holds(area{try, true}) && !re.MatchString(try) {
					t.Errorf("%q lets %q in, and theirs does not", expression, try)
				}
			}
		}
	})
}

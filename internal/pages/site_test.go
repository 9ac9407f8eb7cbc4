package pages_test

import (
	"reflect"
	"strings"
	"testing"

	"github.com/wayleave/wayleave/internal/pages"
)

func TestASiteIsRefusedWithItsMistake(t *testing.T) {
	tests := map[string]struct {
		site pages.Site
		want string
	}{
		"app name of two lines":    {pages.Site{AppName: "a\nb"}, `app name: want one line of valid text, got "a\nb"`},
		"app name not UTF-8":       {pages.Site{AppName: "a\xff"}, `app name: want one line of valid text, got "a\xff"`},
		"logo from elsewhere":      {pages.Site{LogoPath: "https://cdn.example/l.svg"}, `logo path: want a path on this origin such as "/logo.svg", got "https://cdn.example/l.svg"`},
		"logo without a scheme":    {pages.Site{LogoPath: "//cdn.example/l.svg"}, `logo path: want a path on this origin such as "/logo.svg", got "//cdn.example/l.svg"`},
		"logo behind a backslash":  {pages.Site{LogoPath: `/\cdn.example`}, `logo path: want a path on this origin such as "/logo.svg", got "/\\cdn.example"`},
		"logo relative":            {pages.Site{LogoPath: "logo.svg"}, `logo path: want a path on this origin such as "/logo.svg", got "logo.svg"`},
		"logo as data":             {pages.Site{LogoPath: "data:image/svg+xml,x"}, `logo path: want a path on this origin such as "/logo.svg", got "data:image/svg+xml,x"`},
		"accent by name":           {pages.Site{Accent: "red"}, `accent: want "#rrggbb", got "red"`},
		"accent too short":         {pages.Site{Accent: "#fff"}, `accent: want "#rrggbb", got "#fff"`},
		"accent not hexadecimal":   {pages.Site{Accent: "#ggggff"}, `accent: want "#rrggbb", got "#ggggff"`},
		"accent that ends a style": {pages.Site{Accent: "#000;}a"}, `accent: want "#rrggbb", got "#000;}a"`},
		"language as a locale":     {pages.Site{Language: "de_DE"}, `language: want a BCP 47 tag such as "en" or "pt-BR", got "de_DE"`},
		"language as a word":       {pages.Site{Language: "portuguese"}, `language: want a BCP 47 tag such as "en" or "pt-BR", got "portuguese"`},
		"language of one letter":   {pages.Site{Language: "x"}, `language: want a BCP 47 tag such as "en" or "pt-BR", got "x"`},
		"language of digits":       {pages.Site{Language: "12"}, `language: want a BCP 47 tag such as "en" or "pt-BR", got "12"`},
		"language ends in a dash":  {pages.Site{Language: "en-"}, `language: want a BCP 47 tag such as "en" or "pt-BR", got "en-"`},
		"language too long":        {pages.Site{Language: "en" + strings.Repeat("-abcdefgh", 4)}, `language: want a BCP 47 tag such as "en" or "pt-BR", got "en-abcdefgh-abcdefgh-abcdefgh-abcdefgh"`},
		"a text of two lines":      {pages.Site{Texts: pages.Texts{TryAgain: "a\tb"}}, `texts.TryAgain: want one line of valid text, got "a\tb"`},
		"a text with a stray %s":   {pages.Site{Texts: pages.Texts{TookTooLong: pages.Cause{Text: "%s!"}}}, `texts.TookTooLong.Text: nothing stands for %s here, got "%s!"`},
		"a button for nobody":      {pages.Site{Texts: pages.Texts{SignInWith: "Sign in"}}, `texts.SignInWith: want a %s for the provider, got "Sign in"`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			p, err := pages.New(test.site)
			if p != nil || err == nil || err.Error() != test.want {
				t.Errorf("got %v, want %s", err, test.want)
			}
		})
	}
}

func TestAllMistakesAreReportedAtOnce(t *testing.T) {
	_, err := pages.New(pages.Site{AppName: "\x00", LogoPath: "x", Accent: "x", Language: "x",
		Texts: pages.Texts{TryAgain: "\n", SignInWith: "x", Loop: pages.Cause{Title: "%s"}}})
	if err == nil {
		t.Fatal("no error")
	}
	lines := strings.Split(err.Error(), "\n")
	for _, name := range []string{"app name:", "logo path:", "accent:", "language:", "texts.TryAgain:", "texts.SignInWith:", "texts.Loop.Title:"} {
		count := 0
		for _, line := range lines {
			if strings.HasPrefix(line, name) {
				count++
			}
		}
		if count != 1 {
			t.Errorf("%d lines about %q in\n%v", count, name, err)
		}
	}
	if len(lines) != 7 {
		t.Errorf("%d lines, want 7:\n%v", len(lines), err)
	}
}

func TestASiteIsAccepted(t *testing.T) {
	for name, site := range map[string]pages.Site{
		"empty":                    {},
		"full":                     tracker,
		"accent in capitals":       {Accent: "#FFCC00"},
		"a logo with a query":      {LogoPath: "/static/logo.png?v=3"},
		"a longer tag":             {Language: "zh-Hant-TW"},
		"a tag with digits":        {Language: "de-CH-1996"},
		"a name in another script": {AppName: "家計簿"},
		"a lone percent sign":      {Texts: pages.Texts{TryAgain: "100 %"}},
	} {
		t.Run(name, func(t *testing.T) { newPages(t, site) })
	}
}

func TestDirectionFollowsTheLanguage(t *testing.T) {
	for language, want := range map[string]string{
		"": "ltr", "en": "ltr", "ar": "rtl", "AR-eg": "rtl", "he-IL": "rtl", "fa": "rtl", "ur-Latn": "ltr",
		"az": "ltr", "az-Arab-IR": "rtl", "pa-arab": "rtl", "de-1996": "ltr", "zh-Hant": "ltr", "ckb": "rtl",
		"ar-1996": "rtl", "ar-variant": "rtl", "en-u-nu-arab": "ltr", "ar-x-latn": "rtl", "ar-Latn-x-arab": "ltr",
	} {
		page := signIn(t, newPages(t, pages.Site{Language: language}), providers)
		html := all(elements(t, page), "html")[0].attr
		if html["dir"] != want || language != "" && html["lang"] != language {
			t.Errorf("%q gives %v, want %s", language, html, want)
		}
	}
}

func TestTextsFallBackOneByOne(t *testing.T) {
	p := newPages(t, pages.Site{Texts: pages.Texts{TryAgain: "Noch einmal", Denied: pages.Cause{Title: "Abgelehnt"}}})
	want := pages.DefaultTexts()
	want.TryAgain, want.Denied.Title = "Noch einmal", "Abgelehnt"
	if got := p.Texts(); got != want {
		t.Errorf("got %+v", got)
	}
	if got := newPages(t, pages.Site{Texts: pages.DefaultTexts()}).Texts(); got != pages.DefaultTexts() {
		t.Error("the defaults are not themselves a valid translation")
	}
}

func TestEverySentenceHasADefault(t *testing.T) {
	var walk func(v reflect.Value, path string)
	walk = func(v reflect.Value, path string) {
		if v.Kind() == reflect.Struct {
			for i := range v.NumField() {
				walk(v.Field(i), path+"."+v.Type().Field(i).Name)
			}
			return
		}
		s := v.String()
		if s == "" || strings.Count(s, "%") != strings.Count(s, "%s") || strings.Count(s, "%s") > 1 {
			t.Errorf("%s is %q", path, s)
		}
		if strings.HasSuffix(path, ".Text") && !strings.HasSuffix(s, ".") {
			t.Errorf("%s is no sentence: %q", path, s)
		}
	}
	walk(reflect.ValueOf(pages.DefaultTexts()), "Texts")
}

func TestACauseBecomesAMessage(t *testing.T) {
	m := pages.DefaultTexts().ProviderDown.Message("Google")
	if m.Title != "Google does not answer" || m.Text != "We could not reach Google. Please sign in again in a few minutes." {
		t.Errorf("got %+v", m)
	}
	if m := (pages.Cause{Title: "%s", Text: "%d %s"}).Message("%s<"); m.Title != "%s<" || m.Text != "%d %s<" {
		t.Errorf("got %+v", m)
	}
}

func TestAppNameInSentences(t *testing.T) {
	if got := newPages(t, tracker).AppName(); got != "Finance Tracker" {
		t.Errorf("got %q", got)
	}
	if got := newPages(t, pages.Site{Texts: pages.Texts{ThisApp: "diese App"}}).AppName(); got != "diese App" {
		t.Errorf("got %q", got)
	}
}

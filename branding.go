package wayleave

import "github.com/wayleave/wayleave/internal/pages"

// Branding is how the pages under Config.BasePath look and speak. The zero
// value is complete: an app without a name or a logo, in English.
type Branding struct {
	// AppName is what people call the app, as in "Sign in to Finance Tracker".
	AppName string
	// LogoPath is a square picture beside the name: a path on the app's own
	// origin, such as "/logo.svg".
	LogoPath string
	// Accent is the colour of the main button as "#rrggbb". Text on it is
	// black or white, whichever reads better.
	Accent string
	// Language is the language of AppName and Texts, such as "en" or "pt-BR".
	Language string
	// Texts replaces sentences; empty fields keep their English default.
	Texts Texts
}

// Texts is every sentence that the pages can show. "%s" in one stands for the
// app or the provider, as in the default. See [DefaultTexts].
type Texts = pages.Texts

// Cause is why a sign-in did not end where the person wanted, in their words.
type Cause = pages.Cause

// DefaultTexts is the English that empty fields of Texts fall back to, and
// where a translation starts.
func DefaultTexts() Texts { return pages.DefaultTexts() }

func (b Branding) site() pages.Site {
	return pages.Site{AppName: b.AppName, LogoPath: b.LogoPath, Accent: b.Accent, Language: b.Language, Texts: b.Texts}
}

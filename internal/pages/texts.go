package pages

import (
	"cmp"
	"fmt"
	"reflect"
	"strings"
)

// Texts is every sentence that a person can see. A field left empty keeps its
// English default, so that one sentence can be changed alone.
//
// "%s" is the only placeholder, and what stands for it is said at each field: the
// app's name, or the label of a provider. A sentence may hold it only where the
// default does, and may also leave it out, except SignInWith, whose buttons would
// all read alike. Nothing else in a sentence has a meaning: a lone "%" is a
// percent sign, and markup is shown as it is written.
type Texts struct {
	ThisApp string // stands for the app where it has no name

	SignInTitle       string // %s: the app
	SignInWith        string // %s: the provider
	SignedInAs        string // %s: who is signed in
	UseAnotherAccount string
	TryAgain          string
	GoHome            string // %s: the app
	Reload            string // the page that did not come

	LogoutTitle    string
	LogoutQuestion string // %s: the app
	LogoutButton   string
	SignedOutTitle string
	SignedOutText  string // %s: the app

	AccountTitle           string
	AccountSessions        string // heading of the list of signed-in browsers
	AccountThisBrowser     string // marks the one that is looking
	AccountSignedIn        string // %s: a date and time
	AccountLastSeen        string // %s: a date and time
	AccountMore            string // %s: how many sessions are shown, of more
	AccountEnd             string // the button that ends one session
	AccountEndOthers       string // the button that ends all but this one
	AccountConnections     string // heading of the list of providers
	AccountConnected       string // %s: a date and time
	AccountScopes          string // before the list of what was granted
	AccountDisconnect      string // the button
	AccountDisconnectMeans string // %s: the app
	AccountSessionEnded    string // after AccountEnd
	AccountOthersEnded     string // after AccountEndOthers
	AccountDisconnected    string // after AccountDisconnect; %s: the provider
	AccountNothingToEnd    string // after a button for what had ended before

	ErrorIDLabel string // before the reference that leads to the log entry

	TookTooLong    Cause
	AnotherBrowser Cause
	CookiesBlocked Cause // Text: %s: the app
	AlreadyUsed    Cause
	NotOurs        Cause
	Denied         Cause // Text: %s: the provider
	Refused        Cause // Title: %s: the app
	NotAllowed     Cause // Text: %s: the app
	ProviderFailed Cause // Title, Text: %s: the provider
	ProviderDown   Cause // Title, Text: %s: the provider
	RateLimited    Cause
	StoreDown      Cause
	AppDown        Cause // Title: %s: the app
	DeepLinkLost   Cause // Text: %s: the app
	Loop           Cause // Text: %s: the app
	Internal       Cause
}

// Cause is why a sign-in did not end where the person wanted, in their words:
// what happened, and what they can do about it. It never says which check failed.
type Cause struct {
	Title string // a few words
	Text  string // one or two sentences
}

// Message is a page for the cause, still without actions. The name stands for %s:
// the app's or the provider's, as the field of [Texts] says.
func (c Cause) Message(name string) Message {
	return Message{Title: Fill(c.Title, name), Text: Fill(c.Text, name)}
}

// Fill puts the name where a sentence of [Texts] says %s.
func Fill(sentence, name string) string {
	return strings.ReplaceAll(sentence, placeholder, name)
}

const placeholder = "%s"

// DefaultTexts is the English that empty fields of [Texts] fall back to, and where
// a translation starts.
func DefaultTexts() Texts {
	return Texts{
		ThisApp: "this app",

		SignInTitle:       "Sign in to %s",
		SignInWith:        "Sign in with %s",
		SignedInAs:        "Signed in as %s",
		UseAnotherAccount: "Use another account",
		TryAgain:          "Sign in again",
		GoHome:            "Go to %s",
		Reload:            "Try again",

		LogoutTitle:    "Sign out",
		LogoutQuestion: "Do you want to sign out of %s?",
		LogoutButton:   "Sign out",
		SignedOutTitle: "You are signed out",
		SignedOutText:  "Your session with %s has ended on this browser.",

		AccountTitle:           "Your account",
		AccountSessions:        "Where you are signed in",
		AccountThisBrowser:     "This browser",
		AccountSignedIn:        "Signed in %s",
		AccountLastSeen:        "Last seen %s",
		AccountMore:            "Only %s of your sessions are shown; there are more.",
		AccountEnd:             "Sign out",
		AccountEndOthers:       "Sign out everywhere else",
		AccountConnections:     "Connected accounts",
		AccountConnected:       "Connected %s",
		AccountScopes:          "What was granted:",
		AccountDisconnect:      "Disconnect",
		AccountDisconnectMeans: "After you disconnect an account, %s can no longer use it, not even for work it does while you are away. You can connect it again.",
		AccountSessionEnded:    "That session is signed out.",
		AccountOthersEnded:     "All other sessions are signed out.",
		AccountDisconnected:    "%s is disconnected.",
		AccountNothingToEnd:    "That had already ended.",

		ErrorIDLabel: "Reference",

		TookTooLong: Cause{
			Title: "Sign-in took too long",
			Text:  "This sign-in was open for so long that it is no longer valid. Please sign in again.",
		},
		AnotherBrowser: Cause{
			Title: "This sign-in began in another browser",
			Text:  "A sign-in has to end in the browser where it began. Go back to that browser, or sign in again in this one.",
		},
		CookiesBlocked: Cause{
			Title: "Your browser blocked a cookie",
			Text:  "Signing in needs a cookie. Please allow cookies for %s, then sign in again.",
		},
		AlreadyUsed: Cause{
			Title: "This sign-in is already finished",
			Text:  "Each sign-in works once. If you went back or opened an old tab, please sign in again.",
		},
		NotOurs: Cause{
			Title: "This sign-in link is not valid",
			Text:  "The link is damaged or was not made for this site. Please sign in again.",
		},
		Denied: Cause{
			Title: "You did not allow access",
			Text:  "Nothing was shared by %s. You can sign in again and allow it this time.",
		},
		Refused: Cause{
			Title: "You may not use %s",
			Text:  "This account has no access. Use another account, or ask the people who run the app to let you in.",
		},
		NotAllowed: Cause{
			Title: "This page is not for you",
			Text:  "You are signed in, but this account may not open this page of %s. Use another account, or ask the people who run the app to let you in.",
		},
		ProviderFailed: Cause{
			Title: "Signing in with %s failed",
			Text:  "The answer from %s could not be used. Please sign in again.",
		},
		ProviderDown: Cause{
			Title: "%s does not answer",
			Text:  "We could not reach %s. Please sign in again in a few minutes.",
		},
		RateLimited: Cause{
			Title: "Too many sign-ins at once",
			Text:  "Please wait a minute, then sign in again.",
		},
		StoreDown: Cause{
			Title: "We cannot check who you are right now",
			Text:  "Nothing is lost. Please reload this page in a moment.",
		},
		AppDown: Cause{
			Title: "%s is not answering",
			Text:  "You did nothing wrong. Please try again in a moment.",
		},
		DeepLinkLost: Cause{
			Title: "You are signed in",
			Text:  "The page you asked for could not be remembered. Please find it again from the start of %s.",
		},
		Loop: Cause{
			Title: "Signing in did not stick",
			Text:  "You signed in several times and still are not signed in. Your browser may be blocking cookies for %s.",
		},
		Internal: Cause{
			Title: "Something went wrong on our side",
			Text:  "Please sign in again. If it keeps happening, tell the people who run the app the reference below.",
		},
	}
}

// orDefaults fills empty sentences and names every one that cannot be shown.
func (t Texts) orDefaults() (Texts, []error) {
	var mistakes []error
	complete(reflect.ValueOf(&t).Elem(), reflect.ValueOf(DefaultTexts()), "texts", &mistakes)
	return t, mistakes
}

// complete walks two equal structs, so that a sentence added to Texts cannot be
// forgotten here.
func complete(given, fallback reflect.Value, path string, mistakes *[]error) {
	if given.Kind() == reflect.Struct {
		for i := range given.NumField() {
			complete(given.Field(i), fallback.Field(i), path+"."+given.Type().Field(i).Name, mistakes)
		}
		return
	}
	sentence, usual := given.String(), fallback.String()
	switch {
	case !isPlain(sentence):
		*mistakes = append(*mistakes, fmt.Errorf("%s: want one line of valid text, got %q", path, sentence))
	case strings.Contains(sentence, placeholder) && !strings.Contains(usual, placeholder):
		*mistakes = append(*mistakes, fmt.Errorf("%s: nothing stands for %%s here, got %q", path, sentence))
	case path == "texts.SignInWith" && sentence != "" && !strings.Contains(sentence, placeholder):
		*mistakes = append(*mistakes, fmt.Errorf("%s: want a %%s for the provider, got %q", path, sentence))
	}
	given.SetString(cmp.Or(sentence, usual))
}

package trace_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/wayleave/wayleave/oauth"
	"github.com/wayleave/wayleave/trace"
)

func text(t testing.TB, s *trace.Story, o trace.TextOptions) string {
	t.Helper()
	var b strings.Builder
	if err := s.WriteText(&b, o); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

const refusedText = `Login 8xQ2 at google, 2026-03-02 14:03:30: This login was refused
  ✗ Not so: The answer belongs to this browser.
    why       The login was begun in another browser.
    expected  the browser that began the login
    came      a browser without its cookie
    stops     Somebody else's sign-in link opened in your browser.
    to do     Sign in again, and stay in one browser.
  The beginning of this login is not recorded here: it was begun before the app
  was started, or by another copy of it.

Step 2 — You come back to the app
The provider sends your browser back, with a code that works once if all went
well. But anybody can send a browser anywhere: before the app touches the code,
it makes sure that this is the answer to its own question, in this browser, for
the first time.

  1. Browser → App
     Your browser comes back with a one-time code.
       code   secret:77aa01b2
       iss    https://accounts.example.com
       state  secret:c01d2f3e
     ✓ Each part of the answer came once, well formed and in its place.
     ✓ This is the answer to a question that the app asked.
     ✓ The question was asked minutes ago, not hours.
     ✗ Not so: The answer belongs to this browser.
       why       The login was begun in another browser.
       expected  the browser that began the login
       came      a browser without its cookie
       stops     Somebody else's sign-in link opened in your browser.
       to do     Sign in again, and stay in one browser.

This login was refused. 3 checks passed. Ended by: same-browser.
`

func TestTextOfARefusedLogin(t *testing.T) {
	l, _ := browserRefused("8xQ2")
	if got := text(t, story(l), trace.TextOptions{}); got != refusedText {
		t.Errorf("got\n%s\nwant\n%s", got, refusedText)
	}
}

func TestTextNamesTheFourSteps(t *testing.T) {
	got := text(t, story(goodLogin("one")), trace.TextOptions{})
	at := 0
	for _, heading := range []string{
		"\nSetup — The app gets to know the provider\n", "\nStep 1 — The app sends you to the provider\n", "\nStep 2 — You come back to the app\n",
		"\nStep 3 — The app trades the code for tokens\n", "\nStep 4 — The app uses the access token\n", "\nSigned in. 26 checks passed.\n",
	} {
		i := strings.Index(got[at:], heading)
		if i < 0 {
			t.Fatalf("%q is missing or out of order in\n%s", heading, got)
		}
		at += i
	}
}

func TestTextKeepsToTheWidth(t *testing.T) {
	for _, width := range []int{0, 1, 40, 60, 80, 120} {
		limit := max(width, 40)
		if width == 0 {
			limit = 80
		}
		for line := range strings.SplitSeq(text(t, story(refreshedLogin(strings.Repeat("x", 200))), trace.TextOptions{Width: width, Explain: true}), "\n") {
			isURL := strings.Contains(line, "://") && strings.HasPrefix(line, "     ") && !strings.HasPrefix(line, "       ")
			if n := utf8.RuneCountInString(line); n > limit && !isURL {
				t.Errorf("width %d: %d columns: %q", width, n, line)
			}
			if strings.TrimRight(line, " ") != line {
				t.Errorf("width %d: blanks at the end of %q", width, line)
			}
		}
	}
}

func TestTextExplainsOnlyWhenAsked(t *testing.T) {
	s := story(goodLogin("one"))
	for _, phrase := range []string{"It must come back unchanged.", "Somebody else's sign-in link opened in your browser."} {
		if strings.Contains(text(t, s, trace.TextOptions{}), phrase) || !strings.Contains(text(t, s, trace.TextOptions{Explain: true}), phrase) {
			t.Errorf("%q is not for those who ask", phrase)
		}
	}
}

func TestTextInASCII(t *testing.T) {
	l := newLogin("one")
	l.authorize()
	l.returned(0, plain("name", "Zoë 木"))
	l.refuse(refusal(oauth.StepCallback, oauth.CheckState))
	got := text(t, story(l), trace.TextOptions{ASCII: true})
	for i := range len(got) {
		if got[i] > 0x7e {
			t.Fatalf("%q is not ASCII", got[i:min(i+20, len(got))])
		}
	}
	for _, want := range []string{"App -> Browser", "Browser ..> Provider", "x Not so:", "Zo? ?", "Step 1 - The"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is missing in\n%s", want, got)
		}
	}
}

func TestTextHasColourOnlyWhenAsked(t *testing.T) {
	l, _ := nonceRefused("one")
	if strings.Contains(text(t, story(l), trace.TextOptions{}), "\x1b") {
		t.Error("colour without being asked")
	}
	if got := text(t, story(l), trace.TextOptions{Color: true}); !strings.Contains(got, "\x1b[31m") || !strings.Contains(got, "\x1b[32m") {
		t.Error("no colour")
	}
}

func TestTerminalOptions(t *testing.T) {
	file, err := os.Create(filepath.Join(t.TempDir(), "out"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	tests := []struct {
		name string
		env  map[string]string
		want trace.TextOptions
	}{
		{"nothing known", nil, trace.TextOptions{}},
		{"a UTF-8 locale and a width", map[string]string{"LANG": "de_DE.UTF-8", "COLUMNS": "100"}, trace.TextOptions{Width: 100}},
		{"the C locale", map[string]string{"LANG": "de_DE.UTF-8", "LC_ALL": "C"}, trace.TextOptions{ASCII: true}},
		{"a width that is none", map[string]string{"COLUMNS": "wide"}, trace.TextOptions{}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			for _, name := range []string{"LC_ALL", "LC_CTYPE", "LANG", "COLUMNS", "NO_COLOR", "TERM"} {
				t.Setenv(name, test.env[name])
			}
			if got := trace.TerminalOptions(file); got != test.want {
				t.Errorf("got %+v, want %+v", got, test.want)
			}
		})
	}
}

type brokenWriter struct{ error }

func (w brokenWriter) Write([]byte) (int, error) { return 0, w.error }

func TestTextReturnsTheErrorOfTheWriter(t *testing.T) {
	want := errors.New("disk full")
	if err := story(goodLogin("one")).WriteText(brokenWriter{want}, trace.TextOptions{}); !errors.Is(err, want) {
		t.Errorf("got %v", err)
	}
}

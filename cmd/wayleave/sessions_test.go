package main

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// fakeAdmin answers on a socket as the admin API of a running wayleave does, and
// keeps what it was asked.
type fakeAdmin struct {
	address, path string
	lines         string // of GET /sessions
	keys          string // of GET /keys
	asked         []string
	other         http.HandlerFunc // answers in place of all else
}

func socketPath(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "wl") // a test's own folder may be too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return filepath.Join(dir, "s")
}

func startAdmin(t *testing.T) *fakeAdmin {
	t.Helper()
	f := &fakeAdmin{path: socketPath(t), lines: `{"end":true,"count":0}`}
	f.address = "unix:" + f.path
	ln, err := net.Listen("unix", f.path)
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewUnstartedServer(f)
	srv.Listener.Close()
	srv.Listener = ln
	srv.Start()
	t.Cleanup(srv.Close)
	return f
}

func (f *fakeAdmin) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if f.other != nil {
		f.other(w, r)
		return
	}
	r.ParseForm()
	f.asked = append(f.asked, r.Method+" "+r.URL.Path+" "+r.Form.Encode())
	switch r.Method + " " + r.URL.Path {
	case "GET /sessions":
		w.Header().Set("Content-Type", "application/x-ndjson")
		fmt.Fprint(w, f.lines)
	case "POST /sessions/end":
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"ended":%d}`, len(r.PostForm))
	case "GET /keys":
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		fmt.Fprint(w, f.keys)
	default:
		http.NotFound(w, r)
	}
}

func (f *fakeAdmin) wantAsked(t *testing.T, want string) {
	t.Helper()
	if len(f.asked) != 1 || f.asked[0] != want {
		t.Errorf("asked %q, want %q", f.asked, want)
	}
	f.asked = nil
}

func session(id, name, device string, signedIn time.Time) string {
	line, _ := json.Marshal(map[string]any{"id": id, "user": "u1", "email": "ada@example.com", "name": name, "provider": "google", "device": device,
		"signed_in_at": signedIn, "last_seen_at": signedIn.Add(time.Hour), "expires_at": signedIn.Add(1000 * time.Hour)})
	return string(line) + "\n"
}

func TestSessionsAreListedAsATable(t *testing.T) {
	f := startAdmin(t)
	long := time.Now().Add(-100*time.Hour - time.Minute)
	f.lines = session("h1", "Ada", "Firefox on Linux", long) + session("handle2", "Bea", "curl\x1b[31m\t\u202ex", long) + `{"end":true,"count":2}` + "\n"
	out := must(t, "sessions", "list", "--admin", f.address)
	want := "ID       USER  EMAIL            PROVIDER  DEVICE            SIGNED IN  LAST SEEN  EXPIRES\n" +
		"h1       u1    ada@example.com  google    Firefox on Linux  4d ago     4d ago     in 37d\n" +
		"handle2  u1    ada@example.com  google    curl?[31m??x      4d ago     4d ago     in 37d\n" +
		"2 sessions.\n"
	if out != want {
		t.Errorf("got\n%swant\n%s", out, want)
	}
	f.wantAsked(t, "GET /sessions ")
}

func TestSessionsAreListedForMachines(t *testing.T) {
	f := startAdmin(t)
	at := time.Date(2026, 11, 23, 2, 25, 0, 0, time.UTC)
	f.lines = session("h1", "Ada", "curl", at) + session("h2", "Bea", "curl", at) + `{"end":true,"count":2}`
	lines := strings.Split(strings.TrimSpace(must(t, "sessions", "--json", "list", "--admin", f.address)), "\n")
	want := `{"id":"h1","user":"u1","email":"ada@example.com","name":"Ada","provider":"google","device":"curl",` +
		`"signed_in_at":"2026-11-23T02:25:00Z","last_seen_at":"2026-11-23T03:25:00Z","expires_at":"2027-01-03T18:25:00Z"}`
	if len(lines) != 2 || lines[0] != want {
		t.Errorf("got %q, want %s first", lines, want)
	}
}

func TestManySessionsAreListed(t *testing.T) {
	f := startAdmin(t)
	const many = 2*rowsPerBlock + 1
	f.lines = strings.Repeat(session("h", "Ada", "curl", time.Now()), many) + fmt.Sprintf(`{"end":true,"count":%d}`, many)
	out := must(t, "sessions", "list", "--admin", f.address)
	if got := strings.Count(out, "\n"); got != many+2 || !strings.HasSuffix(out, fmt.Sprintf("%d sessions.\n", many)) {
		t.Errorf("%d lines, ending in %q", got, out[len(out)-40:])
	}
}

func TestSelectorsAreSent(t *testing.T) {
	f := startAdmin(t)
	flags := []string{"--user", "u1", "--email", "a+b@example.com", "--provider", "google", "--older", "24h", "--idle", "2h30m", "--id", "h1", "--admin", f.address}
	must(t, append([]string{"sessions", "list"}, flags...)...)
	f.wantAsked(t, "GET /sessions email=a%2Bb%40example.com&id=h1&idle=2h30m0s&older=24h0m0s&provider=google&user=u1")
	if out := must(t, append([]string{"sessions", "end"}, flags...)...); out != "6 sessions ended.\n" {
		t.Errorf("got %q", out)
	}
	f.wantAsked(t, "POST /sessions/end email=a%2Bb%40example.com&id=h1&idle=2h30m0s&older=24h0m0s&provider=google&user=u1")
	if out := must(t, "sessions", "end", "--all", "--json", "--admin", f.address); out != `{"ended":1}`+"\n" {
		t.Errorf("got %q", out)
	}
	f.wantAsked(t, "POST /sessions/end all=true")
	if out := must(t, "sessions", "end", "--id", "h1", "--admin", f.address); out != "1 session ended.\n" {
		t.Errorf("got %q", out)
	}
	f.other = answer("application/json", `{"ended":0}`)
	if out := must(t, "sessions", "end", "--id", "h1", "--admin", f.address); out != "No session matched, none ended.\n" {
		t.Errorf("got %q", out)
	}
}

func answer(mediaType, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", mediaType)
		fmt.Fprint(w, body)
	}
}

func TestNobodyIsSignedOutByAccident(t *testing.T) {
	f := startAdmin(t)
	for _, test := range []struct {
		want string
		args []string
	}{
		{"want list or end\nTry: wayleave sessions --help", nil},
		{"want list or end", []string{"kill"}},
		{`unexpected argument "h1"`, []string{"end", "h1"}},
		{"say which sessions to end", []string{"end"}},
		{"say which sessions to end", []string{"end", "--json"}},
		{"--all ends every session there is: leave it out", []string{"end", "--all", "--user", "u1"}},
		{"--all is for end", []string{"list", "--all"}},
		{"must not be empty", []string{"end", "--provider", "google", "--user", ""}},
		{"must not be empty", []string{"list", "--email="}},
		{"want a duration such as 2h or 30m", []string{"end", "--older", "yesterday"}},
		{"want a duration such as 2h or 30m", []string{"end", "--older", "0s"}},
		{"want a duration such as 2h or 30m", []string{"end", "--idle", "-2h"}},
		{"want a duration such as 2h or 30m", []string{"end", "--idle", "2"}},
		{"flag provided but not defined: -usr", []string{"end", "--usr", "u1"}},
	} {
		mustNot(t, usageStatus, test.want, append([]string{"sessions", "--admin", f.address}, test.args...)...)
	}
	mustNot(t, usageStatus, "--admin is missing", "sessions", "end", "--all")
	if len(f.asked) > 0 {
		t.Errorf("asked %q", f.asked)
	}
}

func TestAListThatWasCutOffIsNoticed(t *testing.T) {
	f := startAdmin(t)
	one := session("h1", "Ada", "curl", time.Now())
	for name, test := range map[string]struct{ lines, want string }{
		"nothing at all":      {"", "the list was cut off after 0 sessions: unexpected EOF"},
		"no last line":        {one, "the list was cut off after 1 session: unexpected EOF"},
		"half a line":         {one + one[:20], "the list was cut off after 1 session: line 2 is no session"},
		"fewer than counted":  {one + `{"end":true,"count":2}`, "the list was cut off after 1 session: 2 sessions were announced"},
		"a line without end":  {one + strings.Repeat(" ", maxSessionLine+1), "the list was cut off after 1 session: bufio.Scanner: token too long"},
		"times of other kind": {`{"id":"h","signed_in_at":"now"}`, "the list was cut off after 0 sessions: line 1 is no session"},
	} {
		t.Run(name, func(t *testing.T) {
			f.lines = test.lines
			for _, format := range []string{"--json=true", "--json=false"} {
				code, _, errs := runCommand(t, "sessions", "list", "--admin", f.address, format)
				if code != 1 || !strings.Contains(errs, test.want) {
					t.Errorf("%s: exit %d, %s", format, code, errs)
				}
			}
		})
	}
}

func TestAnAnswerThatIsNotWayleavesIsRefused(t *testing.T) {
	f := startAdmin(t)
	status := func(code int, mediaType, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", mediaType)
			w.WriteHeader(code)
			fmt.Fprint(w, body)
		}
	}
	for name, test := range map[string]struct {
		answer http.HandlerFunc
		want   string
	}{
		"another server":      {http.NotFound, `status 404, content type "text/plain"; want 200, "application/json"` + "\nwayleave: is this the admin socket of a running wayleave of the same version?"},
		"a page":              {answer("text/html", "<p>"), `status 200, content type "text/html"; want 200, "application/json"`},
		"a redirect":          {http.RedirectHandler("http://127.0.0.1:1/", http.StatusFound).ServeHTTP, `status 302, content type ""; want`},
		"a refusal":           {status(400, "application/json", `{"error":"invalid_request","message":"older is\u001b too much"}`), "refused: older is? too much (invalid_request)"},
		"a strange refusal":   {status(400, "application/json", `{"oops":1}`), `status 400, content type "application/json"; want`},
		"no JSON":             {answer("application/json", "3"), "the answer is not the JSON that was expected"},
		"no count":            {answer("application/json", "{}"), "the answer does not say how many sessions ended"},
		"too many characters": {answer("application/json", `{"ended":1,"x":"`+strings.Repeat("x", maxAnswer)+`"}`), "the answer is not the JSON that was expected"},
	} {
		t.Run(name, func(t *testing.T) {
			f.other = test.answer
			mustNot(t, 1, test.want, "sessions", "end", "--all", "--admin", f.address)
		})
	}
}

func TestASocketThatDoesNotAnswerIsExplained(t *testing.T) {
	list := func(path, want string) {
		t.Helper()
		mustNot(t, 1, want, "sessions", "list", "--admin", "unix:"+path)
	}
	path := socketPath(t)
	list(path, path+": there is no such socket\nwayleave: is wayleave running, with \"admin: unix:"+path+"\" in its configuration?")
	list(strings.Repeat("x", 108), "the path has 108 bytes, and sockets allow no more than 107")
	mustNot(t, 1, `admin socket: want unix:/path, got "/run/x.sock"`, "sessions", "list", "--admin", "/run/x.sock")
	mustNot(t, 1, `admin socket: want unix:/path, got "unix:"`, "sessions", "list", "--admin", "unix:")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	list(path, "this is not a socket")

	left := socketPath(t)
	ln, err := net.ListenUnix("unix", &net.UnixAddr{Name: left})
	if err != nil {
		t.Fatal(err)
	}
	ln.SetUnlinkOnClose(false)
	ln.Close()
	list(left, "nothing listens there any more")

	if os.Geteuid() != 0 { // root may use every socket
		f := startAdmin(t)
		if err := os.Chmod(f.path, 0); err != nil {
			t.Fatal(err)
		}
		list(f.path, "you may not use this socket")
	}
}

func TestASocketThatSpeaksNoHTTPIsExplained(t *testing.T) {
	path := socketPath(t)
	ln, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	go func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			fmt.Fprint(conn, "220 mail.example ESMTP\r\n")
			conn.Close()
		}
	}()
	mustNot(t, 1, "is this the admin socket of a running wayleave", "sessions", "list", "--admin", "unix:"+path)
}

func TestTimesAreRelative(t *testing.T) {
	now := time.Date(2026, 11, 23, 2, 25, 0, 0, time.UTC)
	for d, want := range map[time.Duration]string{
		0: "now", -time.Millisecond: "now", -time.Second: "1s ago", -59 * time.Second: "59s ago", -time.Minute: "1m ago",
		-59 * time.Minute: "59m ago", -time.Hour: "1h ago", -47 * time.Hour: "47h ago", -48 * time.Hour: "2d ago",
		time.Minute: "in 1m", 9000 * time.Hour: "in 375d",
	} {
		if got := relative(now.Add(d), now); got != want {
			t.Errorf("%v is %q, want %q", d, got, want)
		}
	}
	if got := relative(time.Time{}, now); got != "-" {
		t.Errorf("no time is %q", got)
	}
}

func FuzzReadSessions(f *testing.F) {
	f.Add(`{"id":"a","email":"\u001b[0m"}` + "\n" + `{"end":true,"count":1}`)
	f.Add(`{"end":true,"count":-1}`)
	control := regexp.MustCompile(`[\x00-\x1f\x7f]`)
	f.Fuzz(func(t *testing.T, text string) {
		added := 0
		n, err := readSessions(strings.NewReader(text), func(s sessionLine) error {
			added++
			if control.MatchString(printable(s.ID) + printable(s.Email)) {
				t.Error("a control character reaches the terminal")
			}
			return nil
		})
		if n != added {
			t.Errorf("%d of %d, %v", n, added, err)
		}
	})
}

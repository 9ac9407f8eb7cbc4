package main

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/wayleave/wayleave/examples/financetracker/app"
)

func environment(values map[string]string) func(string) string {
	return func(name string) string { return values[name] }
}

func TestPrintsOneAddressAndServesItUntilInterrupted(t *testing.T) {
	for name, c := range map[string]struct {
		env     map[string]string
		says    string
		signsIn string // where the button leads, in the end
	}{
		"with the stand-in": {says: "This is not the real Google", signsIn: "http://127.0.0.1:"},
		"with Google": {
			env:  map[string]string{"GOOGLE_CLIENT_ID": "id", "GOOGLE_CLIENT_SECRET": "secret"},
			says: "Sign in with Google",
		},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, interrupt := context.WithCancel(t.Context())
			defer interrupt()
			stdout, printed := io.Pipe()
			ended := make(chan error, 1)
			go func() {
				ended <- run(ctx, []string{"--listen", "localhost:0"}, environment(c.env), printed, io.Discard)
				printed.Close()
			}()
			line := make([]byte, 200)
			n, err := stdout.Read(line)
			if err != nil {
				t.Fatal(<-ended)
			}
			address, ok := strings.CutPrefix(strings.TrimSpace(string(line[:n])), "Finance Tracker: ")
			if !ok || !strings.HasPrefix(address, "http://localhost:") {
				t.Fatalf("printed %q", line[:n])
			}
			if page := get(t, address+"/"); !strings.Contains(page, c.says) {
				t.Errorf("the front page does not say %q", c.says)
			}
			if c.signsIn != "" {
				if at := redirectOf(t, address+"/auth/google/login"); !strings.HasPrefix(at, c.signsIn) {
					t.Errorf("sign-in leads to %q", at)
				}
			}
			interrupt()
			if rest, _ := io.ReadAll(stdout); len(rest) > 0 {
				t.Errorf("printed more than an address: %q", rest)
			}
			if err := <-ended; err != nil {
				t.Errorf("ended with %v", err)
			}
		})
	}
}

func TestRefusesToStart(t *testing.T) {
	taken, takenURL, err := app.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	u, err := url.Parse(takenURL)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		args []string
		env  map[string]string
		want string
	}{
		"on a port in use": {
			args: []string{"--listen", u.Host},
			want: "port " + u.Port() + " is in use; stop the other program or use --listen 127.0.0.1:",
		},
		"on all interfaces": {
			args: []string{"--listen", ":0"},
			want: "listen address :0 can be reached from other machines; use localhost:8000, or say with --base-url at which https address",
		},
		"on an address without port": {
			args: []string{"--listen", "localhost"},
			want: `listen address "localhost": want host:port, such as localhost:8000`,
		},
		"publicly over http": {
			args: []string{"--listen", "localhost:0", "--base-url", "http://app.example.com"},
			env:  map[string]string{"GOOGLE_CLIENT_ID": "id", "GOOGLE_CLIENT_SECRET": "secret"},
			want: "BaseURL: is http; use https",
		},
		"publicly with the stand-in": {
			args: []string{"--listen", "localhost:0", "--base-url", "https://app.example.com"},
			want: "a public address needs Google itself: set GOOGLE_CLIENT_ID and GOOGLE_CLIENT_SECRET, or leave out --base-url",
		},
		"with an id but no secret": {
			args: []string{"--listen", "localhost:0"},
			env:  map[string]string{"GOOGLE_CLIENT_ID": "id"},
			want: "GOOGLE_CLIENT_ID is set but GOOGLE_CLIENT_SECRET is not; both are in the registration at Google",
		},
	} {
		t.Run(name, func(t *testing.T) {
			var stdout bytes.Buffer
			err := run(t.Context(), c.args, environment(c.env), &stdout, io.Discard)
			if err == nil || !strings.HasPrefix(err.Error(), c.want) {
				t.Errorf("got  %v\nwant %s", err, c.want)
			}
			if stdout.Len() > 0 {
				t.Errorf("printed %q", &stdout)
			}
		})
	}
}

func TestLoopbackIsTold(t *testing.T) {
	for addr, want := range map[string]bool{
		"localhost:8000": true, "127.0.0.1:8000": true, "[::1]:8000": true,
		":8000": false, "0.0.0.0:8000": false, "[::]:8000": false, "192.0.2.1:8000": false, "app.example.com:8000": false,
	} {
		if got := isLoopback(addr); got != want {
			t.Errorf("isLoopback(%q) = %v", addr, got)
		}
	}
}

func get(t *testing.T, address string) string {
	t.Helper()
	resp, err := http.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

func redirectOf(t *testing.T, address string) string {
	t.Helper()
	resp, err := http.DefaultTransport.RoundTrip(mustRequest(t, address))
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	return resp.Header.Get("Location")
}

func mustRequest(t *testing.T, address string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

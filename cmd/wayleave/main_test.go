package main

import (
	"bytes"
	"context"
	"encoding/json"
	"net"
	"net/http"
	"regexp"
	"strings"
	"testing"
)

func runCommand(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	code = run(t.Context(), args, &out, &errs)
	return code, out.String(), errs.String()
}

func TestWithoutArgumentsTheCommandsAreListed(t *testing.T) {
	code, out, _ := runCommand(t)
	for _, cmd := range commands {
		if !strings.Contains(out, cmd.name) {
			t.Errorf("%s is missing", cmd.name)
		}
	}
	if code != 0 {
		t.Errorf("exit %d", code)
	}
}

func TestEveryCommandHasHelpWithAnExample(t *testing.T) {
	for _, cmd := range commands {
		code, out, _ := runCommand(t, cmd.name, "--help")
		if code != 0 || !strings.Contains(out, "Example:\n  wayleave "+cmd.name) {
			t.Errorf("%s: exit %d, %s", cmd.name, code, out)
		}
	}
}

func TestMistakesExitWith2(t *testing.T) {
	for _, tc := range []struct {
		args []string
		text string
	}{
		{[]string{"frobnicate"}, `there is no command "frobnicate"`},
		{[]string{"walkthrough", "--frobnicate"}, "flag provided but not defined: -frobnicate\nTry: wayleave walkthrough --help"},
		{[]string{"walkthrough", "extra"}, `unexpected argument "extra"`},
		{[]string{"walkthrough", "--fault", "nonsense"}, "unknown fault \"nonsense\"\nSee: wayleave walkthrough --list-faults"},
	} {
		code, _, errs := runCommand(t, tc.args...)
		if code != usageStatus || !strings.Contains(errs, tc.text) {
			t.Errorf("%v: exit %d, %s", tc.args, code, errs)
		}
	}
}

func TestWalkthroughPrintsOneJSONDocument(t *testing.T) {
	code, out, errs := runCommand(t, "walkthrough", "--json")
	var doc struct {
		Verdict string
		Story   struct{ Entries []struct{ Step int } }
		API     struct{ Status int }
	}
	dec := json.NewDecoder(strings.NewReader(out))
	if err := dec.Decode(&doc); err != nil || dec.More() || code != 0 {
		t.Fatalf("exit %d, %v: %s", code, err, errs)
	}
	steps := map[int]bool{}
	for _, e := range doc.Story.Entries {
		steps[e.Step] = true
	}
	if doc.Verdict != "passed" || doc.API.Status != 200 || !steps[1] || !steps[2] || !steps[3] || !steps[4] {
		t.Errorf("%+v", doc)
	}
}

func TestARefusedFaultExitsWith1AndNamesTheCheck(t *testing.T) {
	code, out, _ := runCommand(t, "walkthrough", "--fault", "wrong-nonce")
	if code != 1 || !strings.Contains(out, "Refused by id-token-nonce") {
		t.Errorf("exit %d: %s", code, out)
	}
	if code, out, _ = runCommand(t, "walkthrough", "--fault", "late-key"); code != 0 || !strings.Contains(out, "Survived: ") {
		t.Errorf("exit %d: %s", code, out)
	}
}

func TestFaultsAreListed(t *testing.T) {
	code, out, _ := runCommand(t, "walkthrough", "--list-faults")
	if code != 0 || !strings.Contains(out, "forged-state") || !strings.Contains(out, "refused by state") {
		t.Errorf("exit %d: %s", code, out)
	}
}

func TestAPortInUseNamesTheCure(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	for _, args := range [][]string{{"demo", "--listen", ln.Addr().String()}, {"devidp", "--listen", ln.Addr().String()}} {
		code, _, errs := runCommand(t, args...)
		if code != 1 || !strings.Contains(errs, "in use") || !strings.Contains(errs, "--listen") {
			t.Errorf("%v: exit %d, %s", args, code, errs)
		}
	}
}

func TestOnlyThisMachineUnlessTold(t *testing.T) {
	for _, args := range [][]string{{"demo", "--listen", "0.0.0.0:0"}, {"devidp", "--listen", ":0"}, {"demo", "--provider", "192.0.2.1:0"}} {
		if code, _, errs := runCommand(t, args...); code != 1 || errs == "" {
			t.Errorf("%v: exit %d, %s", args, code, errs)
		}
	}
}

// address waits for the address that a command prints.
type address struct {
	found chan string
	text  bytes.Buffer
}

var urls = regexp.MustCompile(`http://[^\s,}]+`)

func (a *address) Write(p []byte) (int, error) {
	a.text.Write(p)
	if u := urls.FindString(a.text.String()); u != "" {
		select {
		case a.found <- u:
		default:
		}
	}
	return len(p), nil
}

func TestServingCommandsPrintTheirAddressAndStop(t *testing.T) {
	for path, args := range map[string][]string{
		"/":                                 {"demo", "--listen", "localhost:0"},
		"/.well-known/openid-configuration": {"devidp", "--listen", "127.0.0.1:0"},
	} {
		t.Run(args[0], func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			out := &address{found: make(chan string, 1)}
			done := make(chan int, 1)
			var errs bytes.Buffer
			go func() { done <- run(ctx, args, out, &errs) }()
			resp, err := http.Get(<-out.found + path)
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			if resp.StatusCode != 200 {
				t.Errorf("status %d", resp.StatusCode)
			}
			cancel()
			if code := <-done; code != 0 {
				t.Errorf("exit %d: %s", code, errs.String())
			}
		})
	}
}

func TestVersion(t *testing.T) {
	if code, out, _ := runCommand(t, "version"); code != 0 || !strings.HasPrefix(out, "wayleave ") {
		t.Errorf("exit %d: %s", code, out)
	}
}

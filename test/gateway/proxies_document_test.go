package gateway_test

import (
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wayleave/wayleave/devidp/robot"
)

// TestTheDocumentsShowTheExamples: what people copy is what the tests run.
func TestTheDocumentsShowTheExamples(t *testing.T) {
	for _, shown := range []struct{ document, file string }{
		{"forward-auth.md", "nginx.conf"}, {"forward-auth.md", "Caddyfile"}, {"gateway.md", "wayleave.yaml"},
	} {
		file, err := os.ReadFile(filepath.Join(examples, shown.file))
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(flush(string(file)), flush(block(t, shown.document, "examples/gateway/"+shown.file))) {
			t.Errorf("docs/%s does not show %s as it is", shown.document, shown.file)
		}
	}
}

// flush removes what lines begin with.
func flush(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		b.WriteString(strings.TrimLeft(line, " \t"))
	}
	return b.String()
}

// TestFromNothingToAProtectedApp does what docs/gateway.md says, command by
// command, and signs in: with the gateway alone, and beside each proxy.
func TestFromNothingToAProtectedApp(t *testing.T) {
	program(t, "python3")
	wayleave, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	for name, terminals := range map[string][]string{
		"alone": {"app", "provider", "gateway"}, "nginx": {"app", "provider", "beside", "nginx"}, "caddy": {"app", "provider", "beside", "caddy"},
	} {
		t.Run(name, func(t *testing.T) {
			if name != "alone" {
				program(t, name)
			}
			by := map[string]string{"8000": freeAddress(t), "8001": freeAddress(t), "3000": freeAddress(t), "9000": freeAddress(t)}
			dir := t.TempDir()
			for _, file := range []string{"app.py", "wayleave.yaml", "beside.yaml", "nginx.conf", "Caddyfile"} {
				text, err := os.ReadFile(filepath.Join(examples, file))
				if err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(filepath.Join(dir, file), []byte(ports(string(text), by)), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			t.Setenv("PATH", filepath.Dir(wayleave)+":"+os.Getenv("PATH")+":/usr/sbin")
			t.Setenv("PORT", by["3000"][strings.LastIndexByte(by["3000"], ':')+1:])
			shell, err := exec.LookPath("sh")
			if err != nil {
				t.Fatal(err)
			}
			says, err := inFolder(exec.Command(shell, "-c", block(t, "gateway.md", "check")), dir)
			if err != nil || !strings.Contains(block(t, "gateway.md", "check says"), says) {
				t.Errorf("the check says %q, %v", says, err)
			}
			for _, terminal := range terminals {
				runProgram(t, dir, shell, "-c", ports(block(t, "gateway.md", "terminal: "+terminal), by))
			}

			base := ports("http://localhost:8000", by)
			g := &gateway{t: t, base: base}
			issuer := ports("http://127.0.0.1:9000", by)
			eventually(t, "everything listens", func() bool { return listening(by["3000"]) && listening(by["9000"]) && listening(by["8000"]) })
			person := g.browser()
			if at := person.open("/public"); at.StatusCode != 200 || !strings.Contains(at.body, "Hello stranger") {
				t.Fatalf("a public page: %d %s", at.StatusCode, at.body)
			}
			at := person.signInAt(issuer, "ada", "/hello?x=y")
			if at.StatusCode != 200 || !strings.Contains(at.body, "Hello Ada Marsh &lt;ada@example.com&gt;, this is /hello?x=y") {
				t.Errorf("after signing in: %d %s", at.StatusCode, at.body)
			}
			if at := person.open("/admin"); at.StatusCode != 403 || !strings.Contains(at.body, "This page is not for you") {
				t.Errorf("the admins' page: %d %s", at.StatusCode, at.body)
			}
			if at := g.browser().signInAt(issuer, "grace", "/admin"); at.StatusCode != 200 || !strings.Contains(at.body, "Hello Grace Okoye") {
				t.Errorf("the admins' page for an admin: %d %s", at.StatusCode, at.body)
			}
			if at := person.open("/auth/logout"); at.StatusCode != 200 || !strings.Contains(at.body, "Do you want to sign out") {
				t.Errorf("the logout's page: %d %s", at.StatusCode, at.body)
			}
		})
	}
}

func inFolder(cmd *exec.Cmd, dir string) (string, error) {
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func listening(address string) bool {
	conn, err := net.Dial("tcp", address)
	if err == nil {
		conn.Close()
	}
	return err == nil
}

// signInAt is signIn at a provider of another process.
func (b *browser) signInAt(issuer, person, at string) answer {
	b.g.t.Helper()
	got := b.open(at)
	for range 8 {
		location := got.Header.Get("Location")
		if location == "" {
			return got
		}
		if strings.HasPrefix(location, issuer) {
			callback, err := robot.New(&http.Client{}).SignIn(location, person, true)
			if err != nil {
				b.g.t.Fatal(err)
			}
			location = callback
		}
		got = b.open(location)
	}
	b.g.t.Fatal("redirected in circles")
	return answer{}
}

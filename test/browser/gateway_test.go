package browser_test

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/wayleave/wayleave/test/browser"
)

// gatewayScene is the example of the documents: an app in Python behind "wayleave
// serve", with "wayleave devidp" to sign in at.
type gatewayScene struct {
	*scene
	app *exec.Cmd
}

// newGateway starts the three programs. Each pair of old and new text in changes
// changes the gateway's file.
func newGateway(t *testing.T, wayleave string, changes ...string) *gatewayScene {
	t.Helper()
	python := requireProgram(t, "python3")
	dir := t.TempDir()
	listen, idp, app := freeAddress(t), freeAddress(t), freeAddress(t)
	port := func(address string) string { return address[strings.LastIndexByte(address, ':'):] }
	examples := filepath.Join("..", "..", "examples", "gateway")
	text, err := os.ReadFile(filepath.Join(examples, "wayleave.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	config := strings.NewReplacer(append([]string{":8000", port(listen), ":9000", port(idp), ":3000", port(app)}, changes...)...).Replace(string(text))
	file := filepath.Join(dir, "wayleave.yaml")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	run(t, nil, wayleave, "devidp", "--listen", idp)
	g := &gatewayScene{scene: &scene{t: t, provider: "dev", base: "http://localhost" + port(listen), issuer: "http://" + idp}}
	g.app = run(t, []string{"PORT=" + port(app)[1:]}, python, filepath.Join(examples, "app.py"))
	run(t, nil, wayleave, "serve", "--config", file)
	eventually(t, "all three listen", func() bool {
		for _, address := range []string{listen, idp, app} {
			conn, err := net.Dial("tcp", address)
			if err != nil {
				return false
			}
			conn.Close()
		}
		return true
	})
	return g
}

func buildWayleave(t *testing.T) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "wayleave")
	build := exec.Command("go", "build", "-o", binary, "./cmd/wayleave")
	build.Dir = filepath.Join("..", "..")
	if output, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, output)
	}
	return binary
}

func requireProgram(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	switch {
	case err != nil && os.Getenv("WAYLEAVE_TEST_FULL") == "1":
		t.Fatalf("this test needs %s, which is not installed", name)
	case err != nil:
		t.Skipf("this test needs %s, which is not installed", name)
	}
	return path
}

func freeAddress(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	return ln.Addr().String()
}

// run starts a program until the test ends.
func run(t *testing.T, environment []string, path string, args ...string) *exec.Cmd {
	t.Helper()
	said, err := os.Create(filepath.Join(t.TempDir(), "said"))
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(path, args...)
	cmd.Env, cmd.Stdout, cmd.Stderr = append(os.Environ(), environment...), said, said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		defer said.Close()
		cmd.Process.Signal(syscall.SIGTERM)
		late := time.AfterFunc(10*time.Second, func() { cmd.Process.Kill() })
		defer late.Stop()
		cmd.Wait() // it was told to end; how is its own matter
		if text, _ := os.ReadFile(said.Name()); t.Failed() {
			t.Logf("%s said:\n%s", filepath.Base(path), text)
		}
	})
	return cmd
}

// TestAnAppBehindTheGateway is what a person sees of it, on every kind of screen.
func TestAnAppBehindTheGateway(t *testing.T) {
	wayleave := buildWayleave(t)
	for name, screen := range map[string][]browser.Step{
		"on a desktop":           nil,
		"in the dark":            {browser.Dark()},
		"on a phone":             {browser.Phone()},
		"on a phone in the dark": {browser.Phone(), browser.Dark()},
		"without JavaScript":     {browser.NoScript()},
	} {
		t.Run(name, func(t *testing.T) {
			g := newGateway(t, wayleave)
			tab := browser.Start(t, browser.Options{}).Tab(t)
			tab.Do(screen...)
			tab.Do(
				browser.Goto(g.base+"/hello?x=y"), g.atTheProvider(), browser.WaitText("Choose an account"), browser.Screenshot("1-provider"),
				g.answer("ada"), browser.WaitText("Hello Ada Marsh"), browser.Screenshot("2-app"),
			)
			if tab.URL() != g.base+"/hello?x=y" {
				t.Errorf("signed in, but at %s", tab.URL())
			}
			tab.Do(browser.Goto(g.base+"/admin"), browser.WaitText("This page is not for you"), browser.WaitText("ada@example.com"), browser.Screenshot("3-not-for-you"))
			narrow(tab)
			tab.Do(browser.Goto(g.base+"/auth/account"), browser.WaitText("Where you are signed in"), browser.Screenshot("4-account"))
			narrow(tab)
			g.app.Process.Signal(syscall.SIGTERM)
			eventually(t, "the app has ended", func() bool {
				tab.Do(browser.Goto(g.base + "/hello"))
				return strings.Contains(tab.Text(), "is not answering")
			})
			tab.Do(browser.WaitText("Example is not answering"), browser.Screenshot("5-app-down"))
			narrow(tab)
			tab.Do(browser.Goto(g.base+"/auth/logout"), browser.WaitText("Do you want to sign out of Example?"), browser.Screenshot("6-logout"),
				browser.Click("Sign out"), browser.WaitURL(g.base+"/auth/signed-out"), browser.WaitText("You are signed out"), browser.Screenshot("7-signed-out"))
			narrow(tab)
		})
	}
}

// narrow checks that the page is no wider than its screen.
func narrow(tab *browser.Tab) {
	var wide bool
	tab.Do(browser.Action("measure the page", chromedp.Func(evaluate(`document.documentElement.scrollWidth > innerWidth`, &wide))))
	if wide {
		tab.Do(browser.Action("find the page narrow enough, at "+tab.URL(), chromedp.Evaluate[chromedp.Void](`throw new Error("wider than the screen")`)))
	}
}

// TestTwoProvidersAtTheGateway: the sign-in page offers both.
func TestTwoProvidersAtTheGateway(t *testing.T) {
	g := newGateway(t, buildWayleave(t), "providers:\n", "providers:\n  acme: {issuer: https://id.acme.example, client_id: app, client_secret: \"literal:x\", label: Acme}\n")
	tab := browser.Start(t, browser.Options{}).Tab(t)
	tab.Do(browser.Goto(g.base+"/hello"), browser.WaitText("Sign in to Example"))
	everyLight(tab, "sign-in", "Sign in to Example")
	tab.Do(browser.NoScript(), browser.Goto(g.base+"/hello"), browser.WaitText("Acme"), browser.Screenshot("sign-in-without-script"))
	narrow(tab)
	tab.Do(reach("dev"), browser.Screenshot("focus"), browser.Press("\r"), g.atTheProvider(), g.answer("ada"), browser.WaitText("Hello Ada Marsh"))
}

// TestAnotherAccountWithTheKeyboard: who may not open a page can go on as
// somebody who may, without a mouse.
func TestAnotherAccountWithTheKeyboard(t *testing.T) {
	g := newGateway(t, buildWayleave(t))
	tab := browser.Start(t, browser.Options{}).Tab(t)
	tab.Do(browser.Goto(g.base+"/admin"), g.atTheProvider(), g.answer("ada"), browser.WaitText("This page is not for you"),
		reach("another account"), browser.Screenshot("focus"), browser.Press("\r"),
		g.atTheProvider(), browser.WaitText("Choose an account"), reach("Grace Okoye"), browser.Press("\r"),
		g.answer("grace"), browser.WaitText("Hello Grace Okoye"), browser.WaitText("this is /admin"))
}

// Package browser drives Debian's chromium for tests, in the words of a person
// who uses it: open a page, click what it says, read what it says.
//
// A test calls [Start], opens a tab with [Browser.Tab], and hands it steps:
//
//	tab := browser.Start(t, browser.Options{}).Tab(t)
//	tab.Do(
//		browser.Goto(address),
//		browser.Click("Sign in"),
//		browser.WaitText("Welcome, Ada"),
//		browser.Screenshot("signed-in"),
//	)
//
// Without chromium a test skips with one clear line, or fails when
// WAYLEAVE_TEST_FULL=1. Nothing here reaches beyond loopback.
package browser

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/storage"
	"github.com/chromedp/chromedp"
)

// Options are how the browser starts. The zero value is a fresh profile that
// trusts and resolves nothing special.
type Options struct {
	// Profile is the folder that holds cookies and history. Empty means a
	// fresh one. Give the same folder to a second Start, after the first
	// browser's Close, to have a used profile.
	Profile string

	// Trust is a certificate authority whose certificates this browser
	// accepts. Nil means none but the well-known ones.
	Trust *CA

	// Hosts send a host name, or a pattern such as "*.test", to an address
	// such as "127.0.0.1:8443" whatever its port. The page's address, and so
	// cookies and origins, keep the name.
	Hosts map[string]string

	// Flags are further command line switches, without their dashes; an empty
	// value is a bare switch.
	Flags map[string]string

	// Timeout of one [Tab.Do]. Zero means a minute.
	Timeout time.Duration
}

// Browser is a running chromium with one profile. It is safe for concurrent
// use.
type Browser struct {
	ctx     context.Context
	close   func() error
	timeout time.Duration
}

// Start runs chromium until the test ends.
func Start(t testing.TB, o Options) *Browser {
	t.Helper()
	chromium := require(t, "chromium")
	profile := o.Profile
	if profile == "" {
		profile = t.TempDir()
	}
	home := filepath.Join(profile, "home")
	if o.Trust != nil {
		o.Trust.install(t, home)
	}

	flags := slices.Concat(chromedp.DefaultExecAllocatorOptions[:], []chromedp.ExecAllocatorOption{
		chromedp.ExecPath(chromium),
		chromedp.UserDataDir(filepath.Join(profile, "data")),
		// Chromium reads the authorities it trusts from its user's home.
		chromedp.Env("HOME=" + home),
		chromedp.NoSandbox, // tests run as root in containers
		chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-component-update", true),
		chromedp.Flag("no-proxy-server", true),
		// Or a click on a page that is not yet painted is dropped.
		chromedp.Flag("allow-pre-commit-input", true),
		chromedp.Flag("window-size", "1280,900"), // a desktop's; headless chromium's own is 800 wide
	})
	if len(o.Hosts) > 0 {
		flags = append(flags, chromedp.Flag("host-resolver-rules", resolverRules(o.Hosts)))
	}
	for name, value := range o.Flags {
		if value == "" {
			flags = append(flags, chromedp.Flag(name, true))
			continue
		}
		flags = append(flags, chromedp.Flag(name, value))
	}

	allocator, stop := chromedp.NewExecAllocator(context.WithoutCancel(t.Context()), flags...)
	ctx, cancel := chromedp.NewContext(allocator)
	b := &Browser{ctx: ctx, timeout: cmp.Or(o.Timeout, time.Minute)}
	b.close = sync.OnceValue(func() error {
		defer stop()
		defer cancel()
		limited, done := context.WithTimeout(ctx, 20*time.Second)
		defer done()
		return chromedp.Cancel(limited)
	})
	t.Cleanup(func() { b.close() })
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("start chromium: %v", err)
	}
	return b
}

// resolverRules puts exact names before patterns and narrow patterns before
// wide ones, because the first rule that matches wins.
func resolverRules(hosts map[string]string) string {
	names := slices.SortedFunc(maps.Keys(hosts), func(a, b string) int {
		return cmp.Or(strings.Count(a, "*")-strings.Count(b, "*"), len(b)-len(a), strings.Compare(a, b))
	})
	var rules []string
	for _, name := range names {
		rules = append(rules, "MAP "+name+" "+hosts[name])
	}
	return strings.Join(rules, ", ")
}

// Close ends the browser before the test does, as a person does who closes the
// last window: what its profile keeps is on disk afterwards.
func (b *Browser) Close(t testing.TB) {
	t.Helper()
	if err := b.close(); err != nil {
		t.Fatalf("close chromium: %v", err)
	}
}

// Tab opens an empty tab. It closes with the test.
func (b *Browser) Tab(t testing.TB) *Tab {
	t.Helper()
	ctx, cancel := chromedp.NewContext(b.ctx)
	t.Cleanup(cancel)
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("open a tab: %v", err)
	}
	return &Tab{t: t, ctx: ctx, timeout: b.timeout}
}

// AtOnce opens n tabs, runs script(i) in the tab with index i, all of them at
// the same time, and returns the tabs when every script has ended. It fails the
// test if one script failed.
func (b *Browser) AtOnce(t testing.TB, n int, script func(i int) []Step) []*Tab {
	t.Helper()
	tabs := make([]*Tab, n)
	for i := range tabs {
		tabs[i] = b.Tab(t)
	}
	errs := make([]error, n)
	var all sync.WaitGroup
	for i, tab := range tabs {
		all.Go(func() { errs[i] = tab.Try(script(i)...) })
	}
	all.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	return tabs
}

// Cookies are all cookies of this profile, whatever their site and path. Their
// values are secrets: compare them, do not print them.
func (b *Browser) Cookies(t testing.TB) []*network.Cookie {
	t.Helper()
	result, err := chromedp.CallBrowser(b.ctx, storage.GetCookies, storage.GetCookiesParams{})
	if err != nil {
		t.Fatalf("read the cookies: %v", err)
	}
	return result.Cookies
}

// require is the path of a program. Without the program it ends the test:
// quietly where a machine has only Go, as a failure in the full run, which must
// not skip anything.
func require(t testing.TB, program string) string {
	t.Helper()
	path, err := exec.LookPath(program)
	if err != nil && os.Getenv("WAYLEAVE_TEST_FULL") == "1" {
		t.Fatalf("this test needs %s, which is not installed", program)
	}
	if err != nil {
		t.Skipf("this test needs %s, which is not installed", program)
	}
	return path
}

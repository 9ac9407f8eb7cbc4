package browser

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// Tab is one page of a browser. One goroutine may use it at a time.
type Tab struct {
	t       testing.TB
	ctx     context.Context
	timeout time.Duration
}

// Do runs the steps in order and fails the test at the first that fails, with a
// screenshot of what the page looked like then.
func (tab *Tab) Do(steps ...Step) {
	tab.t.Helper()
	if err := tab.Try(steps...); err != nil {
		tab.t.Fatal(err)
	}
}

// Try is [Tab.Do] that returns the failure, for goroutines other than the
// test's own.
func (tab *Tab) Try(steps ...Step) error {
	ctx, cancel := context.WithTimeout(tab.ctx, tab.timeout)
	defer cancel()
	for _, step := range steps {
		if err := step.run(ctx, tab); err != nil {
			return fmt.Errorf("%s: %w; %s", step.name, err, tab.describe())
		}
	}
	return nil
}

// describe says where a failed tab was. The query stays out: it may hold a code
// or a state.
func (tab *Tab) describe() string {
	ctx, cancel := context.WithTimeout(tab.ctx, 5*time.Second)
	defer cancel()
	if err := Screenshot("failure").run(ctx, tab); err != nil {
		return "no screenshot could be taken: " + err.Error()
	}
	address, err := chromedp.Run(ctx, chromedp.Location())
	if err != nil {
		return "a screenshot named failure was taken"
	}
	where, _ := url.Parse(address)
	if where != nil {
		address = where.Scheme + "://" + where.Host + where.Path
	}
	return "the tab is at " + address + ", see the screenshot named failure"
}

// Close closes the tab as a person does: what it was loading is given up.
func (tab *Tab) Close() {
	tab.t.Helper()
	ctx, cancel := context.WithTimeout(tab.ctx, tab.timeout)
	defer cancel()
	if err := chromedp.Cancel(ctx); err != nil {
		tab.t.Fatalf("close the tab: %v", err)
	}
}

// URL is the page's address, as the address bar shows it.
func (tab *Tab) URL() string {
	tab.t.Helper()
	return value(tab, "read the address", chromedp.Location())
}

// Text is the text of the page that a person can see.
func (tab *Tab) Text() string {
	tab.t.Helper()
	return value(tab, "read the page", chromedp.Evaluate[string](visibleText))
}

// visibleText leaves out what style hides.
const visibleText = `document.body ? document.body.innerText : ""`

func value[T any](tab *Tab, what string, action chromedp.Action[T]) T {
	tab.t.Helper()
	ctx, cancel := context.WithTimeout(tab.ctx, tab.timeout)
	defer cancel()
	result, err := chromedp.Run(ctx, action)
	if err != nil {
		tab.t.Fatalf("%s: %v", what, err)
	}
	return result
}

// artifact creates a file that outlives the test, below WAYLEAVE_ARTIFACTS or
// else where `go test -artifacts` says.
func (tab *Tab) artifact(name string) (*os.File, error) {
	folder := tab.t.ArtifactDir()
	if root := os.Getenv("WAYLEAVE_ARTIFACTS"); root != "" {
		folder = filepath.Join(root, filepath.FromSlash(tab.t.Name()))
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return nil, err
	}
	// Tabs of one test that fail together each keep their screenshot.
	for n := range 100 {
		path := filepath.Join(folder, name+".png")
		if n > 0 {
			path = filepath.Join(folder, fmt.Sprintf("%s-%d.png", name, n+1))
		}
		file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
		if !errors.Is(err, os.ErrExist) {
			return file, err
		}
	}
	return nil, fmt.Errorf("a hundred artifacts are named %s already", name)
}

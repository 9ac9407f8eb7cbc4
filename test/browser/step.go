package browser

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

// Step is one thing a person does in a tab, or waits for.
type Step struct {
	name string
	run  func(ctx context.Context, tab *Tab) error
}

// Action makes a step of chromedp's own actions, for what has no step here.
func Action(name string, actions ...chromedp.Action[chromedp.Void]) Step {
	return Step{name, func(ctx context.Context, _ *Tab) error { return chromedp.Do(ctx, actions...) }}
}

// Goto opens an address and waits until the page has loaded.
func Goto(address string) Step {
	name, _, _ := strings.Cut(address, "?") // the query may hold a secret
	return Action("go to "+name, chromedp.Navigate(address))
}

// Click waits for a link, button or summary that shows exactly this text (runs
// of spaces count as one) and clicks it. It does not wait for what follows.
func Click(text string) Step {
	return Action(fmt.Sprintf("click %q", text), chromedp.Click(control(text), chromedp.NodeVisible))
}

// DoubleClick is [Click], twice in quick succession.
func DoubleClick(text string) Step {
	return Action(fmt.Sprintf("double-click %q", text), chromedp.DoubleClick(control(text), chromedp.NodeVisible))
}

// Press presses a key, such as "\t" for Tab or "\r" for Enter, where the
// keyboard's focus is. It does not wait for what follows.
func Press(key string) Step {
	return Action(fmt.Sprintf("press the key %q", key), chromedp.KeyEvent(key))
}

// control is the XPath of what can be clicked and shows text.
func control(text string) chromedp.Search {
	quoted := quote(text)
	return chromedp.Search(`//*[self::a or self::button or self::summary or self::label][normalize-space(.)=` + quoted + `]` +
		`|//input[(@type="submit" or @type="button") and @value=` + quoted + `]`)
}

// quote makes an XPath 1.0 literal, which knows no escapes.
func quote(text string) string {
	parts := strings.Split(text, `"`)
	if len(parts) == 1 {
		return `"` + text + `"`
	}
	return `concat("` + strings.Join(parts, `",'"',"`) + `")`
}

// WaitText waits until a person can read text somewhere on the page. After a
// [Click] choose a text that the page before did not show.
func WaitText(text string) Step {
	return Step{fmt.Sprintf("wait for the text %q", text), func(ctx context.Context, _ *Tab) error {
		return until(ctx, chromedp.Evaluate[string](visibleText), func(shown string) bool {
			return strings.Contains(shown, text)
		})
	}}
}

// WaitURL waits until the tab's address, without query and fragment, is this.
func WaitURL(address string) Step {
	return Step{"wait for the address " + address, func(ctx context.Context, _ *Tab) error {
		return until(ctx, chromedp.Location(), func(at string) bool {
			at, _, _ = strings.Cut(at, "#")
			at, _, _ = strings.Cut(at, "?")
			return at == address
		})
	}}
}

// until asks again and again, because a page that is being replaced cannot
// answer: it fails, or stays silent. That is not the end; the step's deadline is.
func until[T any](ctx context.Context, question chromedp.Action[T], ok func(T) bool) error {
	again := time.NewTicker(25 * time.Millisecond)
	defer again.Stop()
	for {
		if answer, err := Ask(ctx, question); err == nil && ok(answer) {
			return nil
		}
		select {
		case <-ctx.Done():
			return errors.New("it did not come in time")
		case <-again.C:
		}
	}
}

// Ask runs a question that a page can answer at once, and gives up after two
// seconds, so that it can be asked again.
func Ask[T any](ctx context.Context, question chromedp.Action[T]) (T, error) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	return chromedp.Run(ctx, question)
}

// Reload is the reload button; it waits until the page has loaded.
func Reload() Step { return Action("reload", chromedp.Reload()) }

// Back is the back button. It does not wait for what follows: a page that the
// browser kept in memory comes back without loading again.
func Back() Step {
	return Action("go back", chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		history, err := cdp.Call(ctx, t, page.GetNavigationHistory, cdp.Empty{})
		if err != nil {
			return err
		}
		if history.CurrentIndex == 0 {
			return errors.New("this is the tab's first page")
		}
		before := history.Entries[history.CurrentIndex-1]
		_, err = cdp.Call(ctx, t, page.NavigateToHistoryEntry, page.NavigateToHistoryEntryParams{EntryID: before.ID})
		return err
	}))
}

// Screenshot keeps what the page looks like, in full height, as NAME.png in the
// folder of the test's artifacts.
func Screenshot(name string) Step {
	return Step{"take the screenshot " + name, func(ctx context.Context, tab *Tab) error {
		image, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
		if err != nil {
			return err
		}
		file, err := tab.artifact(name)
		if err != nil {
			return err
		}
		_, err = file.Write(image)
		return errors.Join(err, file.Close())
	}}
}

// Phone gives the tab the width, the pixels and the touch of a phone, from the
// next page on and for the present one.
func Phone() Step {
	return Action("use a phone", chromedp.EmulateViewport(390, 844,
		chromedp.EmulateMobile, chromedp.EmulateTouch, chromedp.EmulatePortrait, chromedp.EmulateScale(2)))
}

// Dark asks pages for their dark theme (prefers-color-scheme).
func Dark() Step {
	return Action("prefer dark", chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: "dark"}},
		})
		return err
	}))
}

// NoScript switches JavaScript off from the next page on.
func NoScript() Step {
	return Action("switch JavaScript off", chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
		return err
	}))
}

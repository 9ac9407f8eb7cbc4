package wayleave_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// page returns the address of a page with so many bytes.
func pageOf(bytes int, name string) string {
	p := "/" + name + "?q="
	return p + strings.Repeat("x", bytes-len(p))
}

func TestRET4DeepLinks(t *testing.T) {
	for _, row := range []struct {
		bytes           int
		cookie, survive bool
	}{{200, false, true}, {600, true, true}, {2000, true, true}, {2048, true, true}, {2049, false, false}, {2100, false, false}} {
		t.Run(fmt.Sprint(row.bytes, " bytes"), func(t *testing.T) {
			a := newApp(t)
			b := a.browser()
			page := pageOf(row.bytes, "reports")
			authorization := b.begin(page)
			if n := len(param(t, authorization, "state")); n > 500 {
				t.Errorf("the state has %d bytes", n)
			}
			if _, kept := b.cookies()["return"]; kept != row.cookie {
				t.Errorf("return cookie: %v, want %v", kept, row.cookie)
			}
			at := b.open(b.authorize(authorization, true))
			if row.survive {
				if at.StatusCode != http.StatusSeeOther || at.Header.Get("Location") != page {
					t.Errorf("status %d to %.40q", at.StatusCode, at.Header.Get("Location"))
				}
			} else {
				checkPage(t, at, "200 You are signed in")
			}
			if b.user() == "" {
				t.Error("nobody is signed in")
			}
			if _, left := b.cookies()["return"]; left {
				t.Error("the return cookie is left over")
			}
		})
	}
}

// TestRET4TryAgainLeadsToTheSamePage, however long its address is.
func TestRET4TryAgainLeadsToTheSamePage(t *testing.T) {
	a := newApp(t)
	b := a.browser()
	for _, page := range []string{"/wanted?x=1&y=2", pageOf(2000, "wanted")} {
		at := b.open(denied(t, b.callback(page)))
		checkPage(t, at, pageDenied)
		_, link, _ := strings.Cut(at.body, `<a class="action primary" href="`)
		link, _, _ = strings.Cut(link, `"`)
		if got := b.finish(b.authorize(b.begin(strings.ReplaceAll(link, "&amp;", "&")), true)); got.body != "Hello Ada Marsh at "+page {
			t.Errorf("ended with status %d: %.100s", got.StatusCode, text(got))
		}
		b.fetch("POST", "/auth/logout")
	}
}

// TestRET4TenTabsWithLongLinksInAFreshBrowser: more than can be kept. Each ends
// signed in, on its page or with the word that it was lost.
func TestRET4TenTabsWithLongLinksInAFreshBrowser(t *testing.T) {
	a := newApp(t)
	b := a.browser()
	var pages []string
	for i := range 10 {
		pages = append(pages, pageOf(2000, fmt.Sprint("reports/", i)))
	}
	for _, tab := range openTabs(b, pages) {
		got := b.follow(tab.callback)
		if b.user() == "" {
			t.Error("not signed in")
		}
		if got.body != "Hello Ada Marsh at "+tab.page && !strings.HasPrefix(text(got), "<h1>You are signed in</h1>") {
			t.Errorf("ended with status %d: %.200s", got.StatusCode, text(got))
		}
	}
}

// TestA129ReturnCookiesAreFew: at most four, and 3 kB in all; whose page was
// dropped is told so, and signed in all the same.
func TestA129ReturnCookiesAreFew(t *testing.T) {
	for _, row := range []struct{ bytes, kept int }{{300, 4}, {450, 4}, {500, 3}, {800, 2}, {2000, 1}} {
		t.Run(fmt.Sprint(row.bytes, " bytes"), func(t *testing.T) {
			a := newApp(t)
			b := a.browser()
			callbacks := map[string]string{}
			var pages []string
			for i := range 7 {
				page := pageOf(row.bytes, fmt.Sprint("reports/", i))
				callbacks[page] = b.callback(page)
				pages = append(pages, page)
				count, size, all := 0, 0, 0
				for name, value := range b.rawCookies() {
					all += len(name) + len(value) + 3
					if shortName(name) == "return" {
						count, size = count+1, size+len(name)+len(value)
					}
				}
				if count > 4 || size > 3<<10 || all > 3500 {
					t.Errorf("after %d logins: %d return cookies of %d bytes, %d bytes of cookies", i+1, count, size, all)
				}
			}
			for i, page := range pages {
				at := b.open(callbacks[page])
				if i < len(pages)-row.kept {
					checkPage(t, at, "200 You are signed in")
				} else if at.Header.Get("Location") != page {
					t.Errorf("page %d of 7: status %d to %.40q", i, at.StatusCode, at.Header.Get("Location"))
				}
			}
		})
	}
}

// TestA129ReturnCookiesOfFreshTabs: answers that cross each other cannot know
// of one another; the next request brings the cookies back into bounds.
func TestA129ReturnCookiesOfFreshTabs(t *testing.T) {
	a := newApp(t)
	b := a.browser()
	b.beginAt("/")
	var pages []string
	for i := range 8 {
		pages = append(pages, pageOf(900, fmt.Sprint("reports/", i)))
	}
	tabs := openTabs(b, pages)
	for _, tab := range tabs {
		at := b.open(tab.callback)
		if at.Header.Get("Location") != tab.page && !strings.HasPrefix(text(at), "<h1>You are signed in</h1>") {
			t.Errorf("status %d to %.40q: %s", at.StatusCode, at.Header.Get("Location"), text(at))
		}
	}
	if _, left := b.cookies()["return"]; left {
		t.Errorf("return cookies are left over")
	}
}

// TestA112ReturnCookies: one that was changed, or belongs to another login, is
// worth nothing, and the person is told.
func TestA112ReturnCookies(t *testing.T) {
	for name, change := range map[string]func(value, other string) string{
		"changed":                 func(value, _ string) string { return value[:40] + string('A'+(value[40]+1-'A')%2) + value[41:] },
		"that of another login":   func(_, other string) string { return other },
		"no base64":               func(string, string) string { return "%%%" },
		"empty":                   func(string, string) string { return "" },
		"in its place, a session": func(string, string) string { return strings.Repeat("A", 43) },
	} {
		t.Run(name, func(t *testing.T) {
			a := newDirectApp(t, newIDP(t), "http://localhost:8000")
			b := a.browser()
			other := b.callback(pageOf(900, "other"))
			otherName, otherValue := returnCookieOf(b, "")
			callback := b.callback(pageOf(900, "wanted"))
			cookieName, value := returnCookieOf(b, otherName)
			b.forget("return")
			b.setRaw(cookieName, change(value, otherValue))
			checkPage(t, b.open(callback), "200 You are signed in")
			_ = other
		})
	}
}

// returnCookieOf returns the return cookie that is not called except.
func returnCookieOf(b *browser, except string) (name, value string) {
	for name, value := range b.rawCookies() {
		if shortName(name) == "return" && name != except {
			return name, value
		}
	}
	return "", ""
}

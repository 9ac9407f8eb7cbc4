package oidcprovider

import (
	"context"
	"errors"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
)

// The provider's own pages: a form that posts one prompt, and a link that
// aborts.
var (
	formAction  = regexp.MustCompile(`<form[^>]* action="([^"]+)"`)
	promptValue = regexp.MustCompile(`name="prompt" value="([^"]+)"`)
	xsrfValue   = regexp.MustCompile(`name="xsrf" value="([^"]+)"`)
	abortLink   = regexp.MustCompile(`href="([^"]+/abort)"`)
	errorDetail = regexp.MustCompile(`<pre><strong>(error|error_description)</strong>: ([^<]*)</pre>`)
)

// maxPages ends a sign-in that goes round in circles; a real one has seven
// steps.
const maxPages = 20

// Browser is a person's browser. It remembers who is signed in at the provider.
type Browser struct {
	issuer string
	client *http.Client
}

// NewBrowser returns a fresh one.
func (p *Provider) NewBrowser() *Browser {
	jar, _ := cookiejar.New(nil) // never fails without a public suffix list
	return &Browser{p.Issuer, &http.Client{
		Jar:           jar,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// SignIn is a person with a fresh browser; see [Browser.SignIn].
func (p *Provider) SignIn(ctx context.Context, authorizationURL, login string, allow bool) (callbackURL string, err error) {
	return p.NewBrowser().SignIn(ctx, authorizationURL, login, allow)
}

// SignIn opens authorizationURL, signs in as login if asked who, and allows or
// denies what the client asks for. It returns the URL on which the provider
// sends the browser back to the client, without requesting it: delivering it,
// and what it holds, is the test's part.
func (b *Browser) SignIn(ctx context.Context, authorizationURL, login string, allow bool) (callbackURL string, err error) {
	return b.walk(ctx, authorizationURL, func(page string) (*http.Request, error) { return answer(ctx, page, login, allow) })
}

// SignOut opens an end-session URL and agrees to be signed out. It returns the
// URL on which the provider sends the browser back, without requesting it, or
// the provider's own last page.
func (b *Browser) SignOut(ctx context.Context, endSessionURL string) (returnURL string, err error) {
	return b.walk(ctx, endSessionURL, func(page string) (*http.Request, error) {
		form, xsrf := find(formAction, page), find(xsrfValue, page)
		if xsrf == "" {
			return nil, nil // the page that says that it is done
		}
		return submit(ctx, form, url.Values{"xsrf": {xsrf}, "logout": {"yes"}})
	})
}

// walk opens pages and does on each what a person does there, until the
// provider leads elsewhere, or press has nothing to do.
func (b *Browser) walk(ctx context.Context, address string, press func(page string) (*http.Request, error)) (string, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return "", fmt.Errorf("address: %w", withoutURL(err))
	}
	for range maxPages {
		if !strings.HasPrefix(request.URL.String(), b.issuer+"/") {
			return request.URL.String(), nil
		}
		next, err := b.nextRequest(ctx, request, press)
		if err != nil {
			return "", err
		}
		if next == nil {
			return request.URL.String(), nil
		}
		request = next
	}
	return "", fmt.Errorf("the walk did not end within %d pages", maxPages)
}

// nextRequest opens one page and says what a person does there.
func (b *Browser) nextRequest(ctx context.Context, request *http.Request, press func(page string) (*http.Request, error)) (*http.Request, error) {
	response, err := b.client.Do(request)
	if err != nil {
		return nil, fmt.Errorf("open the provider's page: %w", withoutURL(err))
	}
	defer response.Body.Close()
	if location, err := response.Location(); err == nil {
		return http.NewRequestWithContext(ctx, http.MethodGet, location.String(), nil)
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, 1<<20))
	if err != nil {
		return nil, fmt.Errorf("read the provider's page: %w", err)
	}
	page := string(body)
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("the provider answered %s: %s", response.Status, explain(page))
	}
	return press(page)
}

// answer fills in the form on a page, or follows its abort link.
func answer(ctx context.Context, page, login string, allow bool) (*http.Request, error) {
	prompt, form, abort := find(promptValue, page), find(formAction, page), find(abortLink, page)
	fields := url.Values{"prompt": {prompt}}
	switch {
	case prompt == "consent" && !allow:
		return http.NewRequestWithContext(ctx, http.MethodGet, abort, nil)
	case prompt == "login":
		fields.Set("login", login)
		fields.Set("password", "any")
	case prompt != "consent":
		return nil, fmt.Errorf("expected the provider's login or consent form, got prompt %q", prompt)
	}
	return submit(ctx, form, fields)
}

func submit(ctx context.Context, form string, fields url.Values) (*http.Request, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, form, strings.NewReader(fields.Encode()))
	if err != nil {
		return nil, fmt.Errorf("the form's address: %w", withoutURL(err))
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return request, nil
}

func find(pattern *regexp.Regexp, page string) string {
	match := pattern.FindStringSubmatch(page)
	if match == nil {
		return ""
	}
	return html.UnescapeString(match[1])
}

// explain is the error on the provider's error page, which tells why it would
// not even send the browser back. The page repeats the request's state too;
// that stays out.
func explain(page string) string {
	var details []string
	for _, match := range errorDetail.FindAllStringSubmatch(page, -1) {
		details = append(details, html.UnescapeString(match[2]))
	}
	return strings.Join(details, ": ")
}

// withoutURL drops the address from an HTTP client's error: it carries state.
func withoutURL(err error) error {
	if wrapped, ok := errors.AsType[*url.Error](err); ok {
		return wrapped.Err
	}
	return err
}

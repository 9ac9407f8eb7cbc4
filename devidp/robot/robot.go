// Package robot is a browser for the provider's pages: it reads their HTML
// forms and presses their buttons, so that a login can be run where no real
// browser is at hand. It fills in only what the page offers, so that a form
// which a person could not submit fails here too.
package robot

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"slices"
	"strings"
)

const (
	maxPage  = 1 << 20
	maxSteps = 12
)

// Browser keeps its own cookies, and with them who is signed in at the
// provider. Use one Browser for one person at a time; it is not safe for
// concurrent use.
type Browser struct {
	client *http.Client
}

// New makes a browser without cookies. It sends requests through the transport
// of client (nil: http.DefaultClient) and shares nothing else with it.
func New(client *http.Client) *Browser {
	own := http.Client{}
	if client != nil {
		own.Transport, own.Timeout = client.Transport, client.Timeout
	}
	own.Jar, _ = cookiejar.New(nil) // never fails without a public suffix list
	own.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &Browser{&own}
}

// SignIn opens an authorization URL, chooses the person (by subject, name or
// e-mail address) if asked who, and allows or denies if asked for consent. It
// returns the URL that the provider then redirects to, without opening it:
// the callback with all its parameters, an error among them.
//
// Pages that are not shown are not missed, except that denying needs a consent
// page: an error says so when the provider remembered an earlier consent.
func (b *Browser) SignIn(authorizationURL, person string, allow bool) (callbackURL string, err error) {
	decision := "deny"
	if allow {
		decision = "allow"
	}
	location, err := b.walk(authorizationURL, func(p page) (form, button, error) {
		if f, people := p.buttons("person"); len(people) > 0 {
			chosen, err := choose(people, person)
			return f, chosen, err
		}
		f, decisions := p.buttons("decision")
		i := slices.IndexFunc(decisions, func(d button) bool { return d.value == decision })
		if i < 0 {
			return form{}, button{}, fmt.Errorf("the page %q offers neither people nor a button to %s", p.heading, decision)
		}
		return f, decisions[i], nil
	})
	if err != nil {
		return "", err
	}
	if !allow && location.Query().Has("code") {
		return "", errors.New("no consent page was shown, so nothing could be denied")
	}
	return location.String(), nil
}

// Cancel opens an authorization URL and presses Cancel on the sign-in page.
func (b *Browser) Cancel(authorizationURL string) (callbackURL string, err error) {
	location, err := b.walk(authorizationURL, func(p page) (form, button, error) {
		f, buttons := p.buttons("cancel")
		if len(buttons) != 1 {
			return form{}, button{}, fmt.Errorf("the page %q has no button to cancel", p.heading)
		}
		return f, buttons[0], nil
	})
	if err != nil {
		return "", err
	}
	return location.String(), nil
}

// SignOut opens an end-session URL. It returns where the provider then sends
// the browser (empty: it stays), and the frames by which applications are told,
// none of which it opens.
func (b *Browser) SignOut(endSessionURL string) (returnURL string, frames []string, err error) {
	request, err := http.NewRequest(http.MethodGet, endSessionURL, nil)
	if err != nil {
		return "", nil, err
	}
	response, body, err := b.do(request)
	if err != nil {
		return "", nil, err
	}
	if location, err := response.Location(); err == nil {
		return location.String(), nil, nil
	}
	p, err := readPage(body)
	if err != nil {
		return "", nil, fmt.Errorf("reading the page at %s: %w", request.URL.Path, err)
	}
	if response.StatusCode != http.StatusOK {
		return "", nil, fmt.Errorf("the provider answered %d: %s", response.StatusCode, p.text)
	}
	return p.link, p.frames, nil
}

// walk follows redirects, and presses a button on each page, until the provider
// leads back to the client.
func (b *Browser) walk(authorizationURL string, press func(page) (form, button, error)) (*url.URL, error) {
	request, err := http.NewRequest(http.MethodGet, authorizationURL, nil)
	if err != nil {
		return nil, err
	}
	provider, callback := request.URL.Host, request.URL.Query().Get("redirect_uri")
	for range maxSteps {
		response, body, err := b.do(request)
		if err != nil {
			return nil, err
		}
		location, err := response.Location()
		switch {
		case err != nil:
			request, err = pressOn(request.URL, response.StatusCode, body, press)
		case leadsTo(location, callback):
			return location, nil
		case location.Host != provider:
			err = fmt.Errorf("the provider redirects to %s, which is not the redirect_uri", location.Host)
		default:
			request, err = http.NewRequest(http.MethodGet, location.String(), nil)
		}
		if err != nil {
			return nil, err
		}
	}
	return nil, fmt.Errorf("no redirect to %s after %d steps", callback, maxSteps)
}

// pressOn makes the request that answers a page.
func pressOn(at *url.URL, status int, body []byte, press func(page) (form, button, error)) (*http.Request, error) {
	p, err := readPage(body)
	if err != nil {
		return nil, fmt.Errorf("reading the page at %s: %w", at.Path, err)
	}
	if status != http.StatusOK {
		return nil, fmt.Errorf("the provider answered %d: %s", status, p.text)
	}
	f, pressed, err := press(p)
	if err != nil {
		return nil, err
	}
	return f.submit(at, pressed)
}

func (b *Browser) do(request *http.Request) (*http.Response, []byte, error) {
	response, err := b.client.Do(request)
	if err != nil {
		return nil, nil, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, maxPage))
	return response, body, err
}

// leadsTo reports whether location is the redirect URI, whatever was added to
// its query.
func leadsTo(location *url.URL, callback string) bool {
	return callback != "" && (location.String() == callback ||
		strings.HasPrefix(location.String(), callback+"?") || strings.HasPrefix(location.String(), callback+"&"))
}

func choose(people []button, person string) (button, error) {
	var found []button
	for _, b := range people {
		if b.value == person {
			return b, nil
		}
		if person != "" && slices.ContainsFunc(b.parts, func(part string) bool { return strings.EqualFold(part, person) }) {
			found = append(found, b)
		}
	}
	if len(found) != 1 {
		return button{}, fmt.Errorf("%d people on the page match %q", len(found), person)
	}
	return found[0], nil
}

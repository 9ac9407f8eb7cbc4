//go:build linux

package main

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// visitor signs in again and again.
type visitor struct {
	*browser
	target target
}

func (v *visitor) once() error {
	_, err := v.signIn(v.target)
	return err
}

// browser signs in. Each time it is another one, with a new connection to the
// site and no cookies; that to the provider is kept.
type browser struct {
	provider *wire
	cookies  []*http.Cookie
}

// signIn opens a page and follows where it is sent until it has the page, and
// returns the cookies that it then has.
func (b *browser) signIn(t target) (cookie string, err error) {
	site, err := dial(t.Address)
	if err != nil {
		return "", err
	}
	defer site.Close()
	b.cookies = nil
	host, path := t.Address, t.Path
	for range 10 {
		var resp *http.Response
		if host == t.Address {
			if resp, err = site.open(path, host, b.header(path)); err == nil {
				b.keep(resp.Cookies())
			}
		} else {
			resp, err = b.atProvider(path, host)
		}
		if err != nil {
			return "", err
		}
		location := resp.Header.Get("Location")
		switch {
		case location == "" && resp.StatusCode == http.StatusOK && path == t.Path:
			return b.cookiesFor(path), nil
		case location == "":
			return "", fmt.Errorf("%s%s: answered %d", host, path, resp.StatusCode)
		}
		u, err := url.Parse(location)
		if err != nil {
			return "", err
		}
		path = u.RequestURI()
		if u.Host != "" {
			host = u.Host
		}
	}
	return "", fmt.Errorf("sent in circles, at last to %s%s", host, path)
}

func (b *browser) atProvider(path, host string) (resp *http.Response, err error) {
	if b.provider == nil {
		if b.provider, err = dial(host); err != nil {
			return nil, err
		}
	}
	return b.provider.open(path, host, person)
}

func (b *browser) header(path string) []string { return withCookie(person, b.cookiesFor(path)) }

func withCookie(header []string, cookie string) []string {
	if cookie == "" {
		return header
	}
	return append(slices.Clone(header), "Cookie: "+cookie)
}

func (b *browser) cookiesFor(path string) string {
	var pairs []string
	for _, c := range b.cookies {
		if strings.HasPrefix(path, c.Path) {
			pairs = append(pairs, c.Name+"="+c.Value)
		}
	}
	return strings.Join(pairs, "; ")
}

// keep does what a browser does with cookies, as far as one site needs it.
func (b *browser) keep(set []*http.Cookie) {
	for _, c := range set {
		b.cookies = slices.DeleteFunc(b.cookies, func(old *http.Cookie) bool { return old.Name == c.Name && old.Path == c.Path })
		if c.MaxAge >= 0 && c.Value != "" {
			b.cookies = append(b.cookies, c)
		}
	}
}

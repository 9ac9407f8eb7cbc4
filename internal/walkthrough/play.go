package walkthrough

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
)

// play runs the login, and the fault on it. What it cannot do for itself it
// leaves undone: the judgement sees that the login did not get through.
func (st *stage) play(ctx context.Context, res *Result) {
	p := st.newPerson()
	authorizationURL, err := p.begin(ctx)
	if err != nil || authorizationURL == "" {
		return
	}
	callback, err := p.signIn(authorizationURL)
	if err != nil {
		st.last = err.Error()
		return
	}
	r, p := st.tamper(ctx, p, callback)
	location, _, err := p.send(r)
	if err != nil {
		st.last = err.Error()
		return
	}
	if st.fault != nil && st.fault.Name == replayed {
		if location, _, err = p.open(ctx, callback.String()); err != nil {
			return
		}
	}
	if !strings.HasPrefix(location, appURL) {
		return
	}
	_, page, err := p.open(ctx, location)
	var data pageData
	if err == nil && json.Unmarshal(page, &data) == nil {
		res.User, res.API = data.User, data.API
	}
}

// tamper turns the callback into what arrives at the app, and says in whose browser.
func (st *stage) tamper(ctx context.Context, p *person, callback *url.URL) (*http.Request, *person) {
	q := callback.Query()
	name := ""
	if st.fault != nil {
		name = st.fault.Name
	}
	switch name {
	case forgedState:
		q.Set("state", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")
	case changedState:
		s := []byte(q.Get("state"))
		s[len(s)/2] ^= 1
		q.Set("state", string(s))
	case missingState:
		q.Del("state")
	case doubledCode:
		q.Add("code", q.Get("code"))
	case otherProvider:
		callback.Path = "/auth/other/callback"
	case otherBrowser:
		p = st.newPerson()
		// The victim has been here before, so that their browser is known.
		if _, err := p.begin(ctx); err != nil {
			st.last = err.Error()
		}
	case forgottenCookie:
		p = st.newPerson()
	case swappedCode:
		if code := st.stolenCode(ctx); code != "" {
			q.Set("code", code)
		}
	}
	callback.RawQuery = q.Encode()
	if name == postedCallback {
		body := q.Encode()
		callback.RawQuery = "state=" + url.QueryEscape(q.Get("state"))
		r, _ := http.NewRequestWithContext(ctx, http.MethodGet, callback.String(), strings.NewReader(body))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		return r, p
	}
	r, _ := http.NewRequestWithContext(ctx, http.MethodGet, callback.String(), nil)
	return r, p
}

// stolenCode is a code from a login of another person in another browser,
// caught before it was redeemed.
func (st *stage) stolenCode(ctx context.Context) string {
	victim := st.newPerson()
	authorizationURL, err := victim.begin(ctx)
	if err != nil || authorizationURL == "" {
		return ""
	}
	callback, err := victim.signIn(authorizationURL)
	if err != nil {
		return ""
	}
	return callback.Query().Get("code")
}

package devidp

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// leaving is one valid logout request (OpenID Connect RP-Initiated Logout
// section 2).
type leaving struct {
	client Client // without an ID: nobody knows
	hint   hint
	back   string // where the browser goes afterwards; empty: nowhere
}

// endSession is the end-session endpoint. It asks nothing: a session of this
// provider is quickly begun again.
func (s *Server) endSession(w http.ResponseWriter, c *call) {
	if c.problem != nil {
		s.problem(w, http.StatusBadRequest, "This request could not be read", c.problem.Error())
		return
	}
	l, err := s.readLeaving(c.params)
	if err != nil {
		s.problem(w, http.StatusBadRequest, "This sign-out cannot go on", err.Error())
		return
	}
	who := s.whoIsThere(c)
	// A hint about another person must not sign out the one who is here.
	mine := who.sid != "" && (l.hint.subject == "" || l.hint.subject == who.subject)
	ended := s.memory.endSessions(func(one session) bool {
		return mine && one.sid == who.sid || l.hint.sid != "" && one.sid == l.hint.sid
	}, s.now())
	if mine {
		http.SetCookie(w, &http.Cookie{Name: s.cookieName, Path: "/", MaxAge: -1, HttpOnly: true, Secure: s.secure, SameSite: http.SameSiteLaxMode})
	}
	// The session is over, whether the browser waits or not, and an application
	// that does not listen keeps nobody here.
	_ = s.tellBackChannels(context.WithoutCancel(c.Context()), c.faults, ended)
	frames := s.frontChannels(ended)
	if l.back != "" && len(frames) == 0 {
		w.Header().Set("Location", l.back)
		w.WriteHeader(http.StatusSeeOther)
		return
	}
	view := signedOutView{Frames: frames, Link: l.back}
	if p, ok := s.person(who.subject); ok && mine {
		view.Name = p.Name
	}
	if l.back != "" {
		w.Header().Set("Refresh", "2; url="+l.back) // time enough for the frames
	}
	s.render(w, http.StatusOK, "", "Signed out", signedOutContent(view), frames...)
}

func (s *Server) readLeaving(params url.Values) (l leaving, err error) {
	if name := repeated(params); name != "" {
		return l, errors.New("a parameter appears more than once")
	}
	if raw := params.Get("id_token_hint"); raw != "" {
		if l.hint, err = s.readHint(raw); err != nil {
			return l, err
		}
	}
	id := params.Get("client_id")
	if id != "" && l.hint.clientID != "" && id != l.hint.clientID {
		return l, errors.New("the id_token_hint was issued to another client than client_id says")
	}
	if id == "" {
		id = l.hint.clientID
	}
	if id != "" {
		var ok bool
		if l.client, ok = s.client(id); !ok {
			return l, errors.New("no application is registered under this client_id")
		}
	}
	l.back, err = s.returnAddress(l.client, params)
	return l, err
}

// returnAddress is the post_logout_redirect_uri with the state, if the browser
// may be sent there: to an origin that the client signs in at.
func (s *Server) returnAddress(client Client, params url.Values) (string, error) {
	back := params.Get("post_logout_redirect_uri")
	if back == "" {
		return "", nil
	}
	if client.ID == "" {
		return "", errors.New("a post_logout_redirect_uri needs a client_id or an id_token_hint beside it")
	}
	u, err := parseRedirectURI(back)
	switch {
	case err != nil:
		return "", errors.New("the post_logout_redirect_uri is not http(s)://host[:port]/path without fragment")
	case len(client.RedirectURIs) > 0 && !slices.ContainsFunc(client.RedirectURIs, func(uri string) bool { return originOf(uri) == originOf(back) }):
		return "", errors.New("the post_logout_redirect_uri is not of an origin that is registered for this application")
	case len(client.RedirectURIs) == 0 && !isLoopback(u.Hostname()) && !s.options.InsecureAnyRedirect:
		return "", errors.New("the post_logout_redirect_uri must be on 127.0.0.1, [::1] or localhost, because none is registered for this application")
	}
	if state := params.Get("state"); state != "" {
		separator := "?"
		if strings.Contains(back, "?") {
			separator = "&"
		}
		back += separator + url.Values{"state": {state}}.Encode()
	}
	return back, nil
}

// frontChannels are the frames that tell applications in this browser (OpenID
// Connect Front-Channel Logout section 3).
func (s *Server) frontChannels(ended []session) []string {
	var frames []string
	for _, one := range ended {
		for _, client := range one.clients {
			uri := s.options.LogoutChannels[client].FrontChannel
			if uri == "" {
				continue
			}
			separator := "?"
			if strings.Contains(uri, "?") {
				separator = "&"
			}
			frames = append(frames, uri+separator+url.Values{"iss": {s.options.Issuer}, "sid": {one.sid}}.Encode())
		}
	}
	return frames
}

package devidp

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

// backChannelTimeout is for one application to answer.
const backChannelTimeout = 5 * time.Second

// EndSessions ends every session that a person has here, on all browsers, as
// an administrator would, and tells the back channel of each client that was
// answered in one of them. It returns when all have answered. The error joins
// those that did not answer 200 or 204.
func (s *Server) EndSessions(ctx context.Context, subject string) error {
	ended := s.memory.endSessions(func(one session) bool { return one.subject == subject }, s.now())
	return s.tellBackChannels(ctx, s.faults.Load(), ended)
}

// tellBackChannels sends one logout token for each session and client (OpenID
// Connect Back-Channel Logout section 2.5), all at the same time.
func (s *Server) tellBackChannels(ctx context.Context, f *faults, ended []session) error {
	var mu sync.Mutex
	var failures []error
	var group sync.WaitGroup
	for _, one := range ended {
		for _, client := range one.clients {
			uri := s.options.LogoutChannels[client].BackChannel
			if uri == "" {
				continue
			}
			group.Go(func() {
				if err := s.tellBackChannel(ctx, f, uri, one, client); err != nil {
					mu.Lock()
					defer mu.Unlock()
					failures = append(failures, fmt.Errorf("back channel of %q: %w", client, err))
				}
			})
		}
	}
	group.Wait()
	return errors.Join(failures...)
}

func (s *Server) tellBackChannel(ctx context.Context, f *faults, uri string, one session, client string) error {
	token, err := s.LogoutToken(s.logoutClaims(f, one, client))
	if err != nil {
		return err
	}
	times := 1
	if f.has("logout-replayed") {
		times = 2
	}
	var failures []error
	for range times {
		failures = append(failures, s.post(ctx, uri, url.Values{"logout_token": {token}}))
	}
	return errors.Join(failures...)
}

// post delivers a form, and does not follow where an answer leads.
func (s *Server) post(ctx context.Context, uri string, form url.Values) error {
	ctx, cancel := context.WithTimeout(ctx, backChannelTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, uri, strings.NewReader(form.Encode()))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	response, err := s.options.Transport.RoundTrip(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(response.Body, maxBody))
	if response.StatusCode != http.StatusOK && response.StatusCode != http.StatusNoContent {
		return fmt.Errorf("answered %s", response.Status)
	}
	return nil
}

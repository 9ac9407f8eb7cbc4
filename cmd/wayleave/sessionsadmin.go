package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"mime"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"syscall"
	"time"
)

// admin speaks to a running wayleave through its admin socket.
type admin struct {
	path   string
	client http.Client
}

const (
	// answerTimeout is for the beginning of an answer: what ends sessions or counts
	// records has looked through all of them by then.
	answerTimeout = 10 * time.Minute
	maxAnswer     = 1 << 20
	// maxSocketPath is what fits into sun_path on Linux, less the closing zero.
	maxSocketPath = 107
)

// openAdmin reads the address; nothing is dialled yet.
func openAdmin(address string) (*admin, error) {
	path, ok := strings.CutPrefix(address, "unix:")
	if !ok || path == "" {
		return nil, fmt.Errorf("admin socket: want unix:/path, got %q", address)
	}
	if len(path) > maxSocketPath {
		return nil, fmt.Errorf("admin socket: the path has %d bytes, and sockets allow no more than %d", len(path), maxSocketPath)
	}
	a := &admin{path: path}
	a.client.Transport = &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", path)
		},
		ResponseHeaderTimeout: answerTimeout,
		DisableKeepAlives:     true, // one question, one connection
	}
	a.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return a, nil
}

func (a *admin) get(ctx context.Context, target, mediaType string) (io.ReadCloser, error) {
	return a.send(ctx, http.MethodGet, target, nil, mediaType)
}

func (a *admin) getJSON(ctx context.Context, target string, into any) error {
	body, err := a.get(ctx, target, "application/json")
	if err != nil {
		return err
	}
	return a.decode(body, into)
}

func (a *admin) postForm(ctx context.Context, target string, form url.Values, into any) error {
	body, err := a.send(ctx, http.MethodPost, target, strings.NewReader(form.Encode()), "application/json")
	if err != nil {
		return err
	}
	return a.decode(body, into)
}

// send returns the body of a good answer of that media type.
func (a *admin) send(ctx context.Context, method, target string, form io.Reader, mediaType string) (io.ReadCloser, error) {
	req, err := http.NewRequestWithContext(ctx, method, "http://wayleave"+target, form)
	if err != nil {
		return nil, err
	}
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	resp, err := a.client.Do(req)
	if err != nil {
		return nil, a.unreachable(err)
	}
	got, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	if resp.StatusCode == http.StatusOK && got == mediaType {
		return resp.Body, nil
	}
	var refusal struct{ Error, Message string }
	if got == "application/json" && resp.StatusCode != http.StatusOK && a.decode(resp.Body, &refusal) == nil && refusal.Error != "" {
		return nil, fmt.Errorf("%s: refused: %s (%s)", a.path, printable(refusal.Message), printable(refusal.Error))
	}
	resp.Body.Close()
	return nil, a.strange(fmt.Sprintf("status %d, content type %q; want 200, %q", resp.StatusCode, got, mediaType))
}

func (a *admin) decode(body io.ReadCloser, into any) error {
	defer body.Close()
	text, err := io.ReadAll(io.LimitReader(body, maxAnswer))
	if err != nil {
		return a.strange("the answer was cut off; what was asked for may be done")
	}
	if err := json.Unmarshal(text, into); err != nil {
		return a.strange("the answer is not the JSON that was expected")
	}
	return nil
}

// strange is for what a wayleave of this version would not answer.
func (a *admin) strange(what string) error {
	return fmt.Errorf("%s: %s\nis this the admin socket of a running wayleave of the same version?", a.path, what)
}

// unreachable says what a person can do about a socket that does not answer.
func (a *admin) unreachable(err error) error {
	if asked, ok := errors.AsType[*url.Error](err); ok {
		err = asked.Err // its URL names a host that is not there
	}
	info, statErr := os.Stat(a.path)
	switch {
	case errors.Is(err, context.Canceled):
		return fmt.Errorf("%s: interrupted; what was asked for may be done", a.path)
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%s: there is no such socket\nis wayleave running, with \"admin: unix:%s\" in its configuration?", a.path, a.path)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%s: you may not use this socket\nrun the command as the user that runs wayleave, or as root", a.path)
	case statErr == nil && info.Mode()&fs.ModeSocket == 0:
		return fmt.Errorf("%s: this is not a socket\nname the one in the configuration, behind \"admin:\"", a.path)
	case errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Errorf("%s: nothing listens there any more\nis wayleave running?", a.path)
	}
	if dial, ok := errors.AsType[*net.OpError](err); ok && dial.Op == "dial" {
		return fmt.Errorf("%s: %w", a.path, dial.Err)
	}
	return a.strange("no answer in HTTP: " + printable(err.Error()))
}

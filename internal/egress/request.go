package egress

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// ContentType is a media type as it stands in an Accept header.
type ContentType string

// What identity providers answer with.
const (
	JSON ContentType = "application/json"
	JWT  ContentType = "application/jwt"
)

// Request is one call.
type Request struct {
	// Purpose names the call in errors, in words ("token request"); empty
	// means the method.
	Purpose string
	// Method is GET when empty.
	Method string
	// URL must satisfy [Policy.CheckURL].
	URL string
	// Header is added to ours. Accept-Encoding and User-Agent are ours alone.
	Header http.Header
	// Body, when not empty, makes the request one that is sent at most once,
	// whatever the method.
	Body []byte
	// MaxBody limits the answer, in bytes after decompression; 0 means 1 MiB.
	MaxBody int64
	// Accept is what the caller can read; empty means JSON. The answer's
	// [Response.MediaType] is the caller's to compare.
	Accept []ContentType
}

func (c *Client) request(ctx context.Context, req Request, target *url.URL) (*http.Request, error) {
	if err := checkHeader(req.Header); err != nil {
		return nil, err
	}
	out, err := http.NewRequestWithContext(ctx, req.Method, "", nil)
	if err != nil {
		return nil, fmt.Errorf("method %q is none", req.Method)
	}
	out.URL, out.Host = target, target.Host // what was checked, not parsed a second time
	if len(req.Body) > 0 {
		// GetBody stays nil: with it, the transport sends a request again when
		// a server refuses it at the HTTP/2 level, and a server can do so
		// after having read the code or refresh token inside.
		out.Body = io.NopCloser(bytes.NewReader(req.Body))
		out.ContentLength = int64(len(req.Body))
	}
	for name, values := range req.Header {
		out.Header[http.CanonicalHeaderKey(name)] = slices.Clone(values)
	}
	out.Header.Set("User-Agent", c.policy.UserAgent)
	out.Header.Del("Accept-Encoding") // set by hand, it turns off the decompression that MaxBody counts on
	if len(req.Accept) > 0 || out.Header.Get("Accept") == "" {
		out.Header.Set("Accept", acceptable(req.Accept))
	}
	return out, nil
}

func acceptable(types []ContentType) string {
	if len(types) == 0 {
		return string(JSON)
	}
	var list []string
	for _, t := range types {
		list = append(list, string(t))
	}
	return strings.Join(list, ", ")
}

// checkHeader keeps a value from ending its line, which would let whoever
// chose it write headers of their own.
func checkHeader(h http.Header) error {
	for name, values := range h {
		for _, value := range values {
			if strings.ContainsFunc(value, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }) {
				return fmt.Errorf("header %q has a control character in its value", name)
			}
		}
	}
	return nil
}

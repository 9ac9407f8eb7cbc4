package egress

import (
	"io"
	"mime"
	"net/http"
	"strings"
	"time"
)

// Response is a complete answer with any status but a redirect.
type Response struct {
	Status int
	Header http.Header
	Body   []byte
	// MediaType is the answer's type in lower case without parameters; empty
	// when absent, given more than once, or malformed.
	MediaType string
	// Took is the time from the start of the call to the last byte.
	Took time.Duration
}

// readBody reads a whole body or fails.
func readBody(in *http.Response, limit int64) ([]byte, error) {
	body, err := io.ReadAll(io.LimitReader(in.Body, limit+1))
	if int64(len(body)) > limit {
		return nil, &TooLargeError{Limit: limit}
	}
	if err != nil {
		return nil, err
	}
	if endsWithConnection(in) && !IsJSON(mediaType(in.Header)) {
		return nil, io.ErrUnexpectedEOF
	}
	return body, nil
}

// endsWithConnection reports whether nothing but the end of the connection
// says that the body is complete. Anyone on the network can end a connection,
// and crypto/tls takes that for a proper end. A JSON object cut short is no
// JSON; anything else cut short could still be read, so that it is refused.
func endsWithConnection(in *http.Response) bool {
	return in.ProtoMajor == 1 && in.ContentLength < 0 && len(in.TransferEncoding) == 0 && !in.Uncompressed &&
		in.Request.Method != http.MethodHead
}

func mediaType(h http.Header) string {
	values := h.Values("Content-Type")
	if len(values) != 1 {
		return ""
	}
	t, _, err := mime.ParseMediaType(values[0])
	if err != nil {
		return ""
	}
	return t
}

// IsJSON reports whether a [Response.MediaType] is JSON: application/json or
// a type with the suffix +json (RFC 6839).
func IsJSON(mediaType string) bool {
	return mediaType == string(JSON) ||
		strings.HasPrefix(mediaType, "application/") && strings.HasSuffix(mediaType, "+json")
}

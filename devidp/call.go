package devidp

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"mime"
	"net/http"
	"net/url"
	"slices"
)

const (
	maxQuery = 8 << 10
	maxBody  = 64 << 10
)

// call is one request, its parameters read strictly and from one place only:
// the query of a GET, the form body of a POST. net/http's own reading is
// lenient (it drops what it cannot parse) and merges the two.
type call struct {
	*http.Request
	params  url.Values
	problem error // why params are not usable
	faults  *faults
	number  int // how many requests this endpoint has had, this one included
}

type handler func(http.ResponseWriter, *call)

// route registers a handler under its pattern and records each request.
func (s *Server) route(pattern, endpoint string, h handler) {
	s.mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
		params, problem := readParams(w, r)
		number := s.requests.add(endpoint, r, params)
		h(w, &call{r, params, problem, s.faults.Load(), number})
	})
}

func readParams(w http.ResponseWriter, r *http.Request) (url.Values, error) {
	if r.Method != http.MethodPost {
		if len(r.URL.RawQuery) > maxQuery {
			return nil, fmt.Errorf("the query has %d bytes; at most %d are read", len(r.URL.RawQuery), maxQuery)
		}
		params, err := url.ParseQuery(r.URL.RawQuery)
		if err != nil {
			return nil, errors.New("the query is malformed")
		}
		return params, nil
	}
	if r.URL.RawQuery != "" {
		return nil, errors.New("a POST carries its parameters in the body, not in the URL")
	}
	media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || media != "application/x-www-form-urlencoded" {
		return nil, errors.New("the body must be application/x-www-form-urlencoded")
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		return nil, fmt.Errorf("the body could not be read, or has more than %d bytes", maxBody)
	}
	params, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, errors.New("the body is malformed")
	}
	return params, nil
}

// repeated names a parameter that occurs more than once, which RFC 6749
// section 3.1 and 3.2 forbid, or returns "".
func repeated(params url.Values) string {
	for _, name := range slices.Sorted(maps.Keys(params)) {
		if len(params[name]) > 1 {
			return name
		}
	}
	return ""
}

// sameOrigin refuses form posts that another site made this browser send.
func (s *Server) sameOrigin(h handler) handler {
	return func(w http.ResponseWriter, c *call) {
		if err := s.crossOrigin.Check(c.Request); err != nil {
			s.problem(w, http.StatusForbidden, "This form came from another site", "The provider only accepts its own forms.")
			return
		}
		if c.problem != nil {
			s.problem(w, http.StatusBadRequest, "The form could not be read", c.problem.Error())
			return
		}
		h(w, c)
	}
}

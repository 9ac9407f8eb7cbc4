package gateway

import (
	"context"
	"net/http"
	"time"

	"github.com/wayleave/wayleave/gateway/canonical"
	"github.com/wayleave/wayleave/session"
)

// visit is one request on its way.
type visit struct {
	g      *Gateway
	r      *http.Request
	began  time.Time
	answer answer
	// client is the address of the person's machine. trusted: the peer is a
	// proxy whose word counts.
	client  string
	trusted bool

	site    *site
	route   *route // nil: none fits, or it was for one of our own pages
	path    canonical.Path
	session *session.Session // nil: nobody
	groups  []string
	// decision and reason are for the log and the metrics; see log.go.
	decision decision
	reason   string
	body     *body
	// assertion and token are what a route promises its upstream; see promise.
	assertion, token string
}

// decision is what became of a request. The zero decision refuses it.
type decision int

const (
	refused     decision = iota // for nobody here, or ambiguous
	own                         // one of our own pages
	allowed                     // passed on, or answered so to a proxy
	denied                      // signed in, and not allowed
	asked                       // has to sign in, or to sign in again
	unavailable                 // the store cannot say
)

// decisions are their names in the log and the metrics.
var decisions = [...]string{"refused", "own", "allowed", "denied", "asked", "unavailable"}

func (d decision) String() string { return decisions[d] }

type visitKey struct{}

// request carries the visit to where net/http/httputil has only the request.
func (v *visit) request() *http.Request {
	return v.r.WithContext(context.WithValue(v.r.Context(), visitKey{}, v))
}

func visitOf(ctx context.Context) *visit {
	v, _ := ctx.Value(visitKey{}).(*visit)
	return v
}

// answer remembers what was answered. http.ResponseController finds flushing and
// hijacking behind Unwrap.
type answer struct {
	http.ResponseWriter
	status int
	bytes  int64
	last   bool // answer of its connection
}

// hangUp makes the answer the last one of its connection: what else the client
// has sent there is not to be read.
func (v *visit) hangUp() {
	if v.r.ProtoMajor == 1 { // later versions end the one stream
		v.answer.last = true
	}
}

func (a *answer) WriteHeader(status int) {
	// httputil clears all headers after an interim answer of the upstream.
	if status >= 200 && a.last {
		a.Header().Set("Connection", "close")
	}
	if status >= 200 || status == http.StatusSwitchingProtocols {
		if a.status == 0 {
			a.status = status
		}
	}
	a.ResponseWriter.WriteHeader(status)
}

func (a *answer) Write(b []byte) (int, error) {
	if a.status == 0 {
		a.status = http.StatusOK
	}
	n, err := a.ResponseWriter.Write(b)
	a.bytes += int64(n)
	return n, err
}

func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

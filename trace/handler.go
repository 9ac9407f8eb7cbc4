package trace

import (
	"bytes"
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"

	"github.com/a-h/templ"
)

//go:embed style.css
var style string

// Handler returns the pages, for development only: they show e-mail addresses
// and names to whoever opens them. base is the path that the handler is
// mounted under, such as "/trace", without braces; requests come with it still
// in their path.
//
//	GET {base}/           the logins, newest first
//	GET {base}/{id}       one login as a sequence diagram
//	GET {base}/{id}/json  the same for machines
//
// Other methods get 405, other paths and logins that are not kept 404.
func (r *Recorder) Handler(base string) http.Handler {
	p := &pages{recorder: r, base: strings.TrimRight(base, "/"), policy: contentPolicy()}
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+p.base+"/{$}", p.list)
	if p.base != "" {
		mux.HandleFunc("GET "+p.base, p.list)
	}
	mux.HandleFunc("GET "+p.base+"/{id}", p.login)
	mux.HandleFunc("GET "+p.base+"/{id}/json", p.json)
	return mux
}

type pages struct {
	recorder *Recorder
	base     string
	policy   string
}

// contentPolicy allows nothing but our own style, by its hash.
func contentPolicy() string {
	hash := sha256.Sum256([]byte(style))
	return "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(hash[:]) +
		"'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
}

func (p *pages) list(w http.ResponseWriter, r *http.Request) {
	p.page(w, http.StatusOK, "Logins", listContent(p, p.recorder.Logins(), p.recorder.Background()))
}

func (p *pages) login(w http.ResponseWriter, r *http.Request) {
	s, ok := p.recorder.Login(r.PathValue("id"))
	if !ok {
		p.page(w, http.StatusNotFound, "No such login", missingContent(p))
		return
	}
	p.page(w, http.StatusOK, s.headline()+" at "+s.Provider, storyContent(p, s))
}

func (p *pages) json(w http.ResponseWriter, r *http.Request) {
	s, ok := p.recorder.Login(r.PathValue("id"))
	if !ok {
		p.write(w, http.StatusNotFound, "application/json", []byte(`{"error":"not_found"}`+"\n"))
		return
	}
	doc, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		http.Error(w, "the story could not be told", http.StatusInternalServerError)
		return
	}
	p.write(w, http.StatusOK, "application/json", append(doc, '\n'))
}

// page renders before anything is sent, so that a failure has its own status.
func (p *pages) page(w http.ResponseWriter, status int, title string, content templ.Component) {
	var body bytes.Buffer
	if err := layout(title, p.home(), content).Render(context.Background(), &body); err != nil {
		http.Error(w, "the page could not be made", http.StatusInternalServerError)
		return
	}
	p.write(w, status, "text/html; charset=utf-8", body.Bytes())
}

func (p *pages) write(w http.ResponseWriter, status int, contentType string, body []byte) {
	h := w.Header()
	h.Set("Content-Type", contentType)
	h.Set("Content-Security-Policy", p.policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	w.Write(body)
}

// Addresses of our own pages. Ids come from events and are escaped.
func (p *pages) home() templ.SafeURL { return templ.SafeURL(p.base + "/") }

func (p *pages) of(s *Story) templ.SafeURL {
	return templ.SafeURL(p.base + "/" + url.PathEscape(s.Login))
}

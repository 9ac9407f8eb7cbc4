package wayleave

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/wayleave/wayleave/internal/reseal"
	"github.com/wayleave/wayleave/session"
	"github.com/wayleave/wayleave/store"
)

// AdminHandler is for operators: it lists and ends sessions of everybody, for
// the command "wayleave sessions". It asks nobody who they are. Serve it on a
// unix socket that only the operator's user can open, never on a network and
// never beside the app's own pages.
//
//	GET  /sessions      ?user= &email= &provider= &older=24h &idle=2h &id=
//	POST /sessions/end  the same as a form, or all=true
//	GET  /keys          how many records each key seals
func (a *Auth) AdminHandler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /sessions", a.adminList)
	mux.HandleFunc("POST /sessions/end", a.adminEnd)
	mux.HandleFunc("GET /keys", a.adminKeys)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// A browser that was led to such a socket by a proxy is a mistake.
		if r.Header.Get("Sec-Fetch-Site") != "" || r.Header.Get("Origin") != "" {
			adminError(w, http.StatusForbidden, "not_for_browsers", "this is for operators on this machine")
			return
		}
		a.startUpkeep()
		mux.ServeHTTP(w, r)
	})
}

// selection says which sessions an operator means. All that is set must fit.
type selection struct {
	user, email, provider, id string
	older, idle               time.Duration
}

func readSelection(v url.Values) (selection, error) {
	s := selection{user: v.Get("user"), email: v.Get("email"), provider: v.Get("provider"), id: v.Get("id")}
	for name, values := range v {
		if !slices.Contains([]string{"user", "email", "provider", "id", "older", "idle", "all"}, name) {
			return s, fmt.Errorf("unknown parameter %q", name)
		}
		// An empty one, of a script that forgot to set it, would mean everybody.
		if len(values) != 1 || values[0] == "" {
			return s, fmt.Errorf("%s must be given once, and not be empty", name)
		}
	}
	for _, d := range []struct {
		name string
		into *time.Duration
	}{{"older", &s.older}, {"idle", &s.idle}} {
		text := v.Get(d.name)
		if text == "" {
			continue
		}
		age, err := time.ParseDuration(text)
		if err != nil || age < 0 {
			return s, fmt.Errorf("%s is no duration such as 24h", d.name)
		}
		*d.into = age
	}
	return s, nil
}

func (s selection) empty() bool { return s == selection{} }

func (s selection) fits(one *session.Session, now time.Time) bool {
	same := func(want, got string) bool { return want == "" || want == got }
	return same(s.user, one.User.ID) && same(s.email, one.Email) && same(s.provider, one.Provider) && same(s.id, sessionHandle(one)) &&
		now.Sub(one.Created) >= s.older && now.Sub(one.LastSeen) >= s.idle
}

// eachSelected calls do once for each live session that is meant.
func (a *Auth) eachSelected(r *http.Request, s selection, do func(*session.Session) error) error {
	now, done := time.Now(), map[store.Key]bool{} // pages may return a session twice
	visit := func(list []*session.Session) error {
		for _, one := range list {
			if done[one.Key()] || !s.fits(one, now) {
				continue
			}
			done[one.Key()] = true
			if err := do(one); err != nil {
				return err
			}
		}
		return nil
	}
	if s.user != "" {
		list, more, err := a.sessions.OfUser(r.Context(), s.user)
		if err == nil && !more {
			return visit(list)
		}
		if err != nil {
			return err
		}
	}
	for cursor, first := "", true; first || cursor != ""; first = false {
		list, next, err := a.sessions.Page(r.Context(), cursor)
		if err != nil {
			return err
		}
		if err := visit(list); err != nil {
			return err
		}
		cursor = next
	}
	return nil
}

// adminSession is one line of the list.
type adminSession struct {
	ID         string    `json:"id"`
	User       string    `json:"user"`
	Email      string    `json:"email"`
	Name       string    `json:"name"`
	Provider   string    `json:"provider"`
	Device     string    `json:"device"`
	SignedInAt time.Time `json:"signed_in_at"`
	LastSeenAt time.Time `json:"last_seen_at"`
	ExpiresAt  time.Time `json:"expires_at"`
}

func (a *Auth) adminList(w http.ResponseWriter, r *http.Request) {
	s, err := readSelection(r.URL.Query())
	if err != nil {
		adminError(w, http.StatusBadRequest, "invalid_request", err.Error())
		return
	}
	w.Header().Set("Content-Type", "application/x-ndjson")
	out, count := json.NewEncoder(w), 0
	err = a.eachSelected(r, s, func(one *session.Session) error {
		count++
		return out.Encode(adminSession{ID: sessionHandle(one), User: one.User.ID, Email: one.Email, Name: one.Name, Provider: one.Provider, Device: one.Device,
			SignedInAt: one.Created.UTC(), LastSeenAt: one.LastSeen.UTC(), ExpiresAt: one.Expires.UTC()})
	})
	switch {
	case err != nil && count == 0:
		adminError(w, http.StatusServiceUnavailable, "store_unavailable", err.Error())
	case err != nil:
		// The list is cut off: the last line, which says that it is whole, is missing.
		a.cfg.Logger.LogAttrs(r.Context(), levelError, "list of sessions cut off", errAttr(err))
	default:
		_ = out.Encode(map[string]any{"end": true, "count": count})
	}
}

func (a *Auth) adminEnd(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		adminError(w, http.StatusBadRequest, "invalid_request", "the form cannot be read")
		return
	}
	s, err := readSelection(r.PostForm)
	if err != nil {
		adminError(w, http.StatusBadRequest, "invalid_request", err.Error())
		return
	}
	if s.empty() && r.PostForm.Get("all") != "true" {
		adminError(w, http.StatusBadRequest, "nothing_selected", "say which sessions, or all=true")
		return
	}
	ended := 0
	err = a.eachSelected(r, s, func(one *session.Session) error {
		ended++
		return a.endSession(r.Context(), one, endedByOperator)
	})
	if err != nil {
		adminError(w, http.StatusServiceUnavailable, "store_unavailable", fmt.Sprintf("after %d sessions: %v", ended, err))
		return
	}
	writeJSON(w, http.StatusOK, map[string]int{"ended": ended})
}

func (a *Auth) adminKeys(w http.ResponseWriter, r *http.Request) {
	counts, err := reseal.Count(r.Context(), a.store, counted)
	if err != nil {
		adminError(w, http.StatusServiceUnavailable, "store_unavailable", err.Error())
		return
	}
	type key struct {
		ID      string `json:"id"`
		Active  bool   `json:"active"`
		Records int    `json:"records"`
	}
	var keys []key
	left := 0
	for _, id := range a.ring.IDs() {
		keys = append(keys, key{id.String(), id == a.ring.Active(), counts[id]})
		if id != a.ring.Active() {
			left += counts[id]
		}
		delete(counts, id)
	}
	for id, n := range counts { // of keys that were removed: nobody can read them
		keys = append(keys, key{id.String(), false, n})
	}
	progress := a.Resealing()
	if left > 0 && !progress.Running {
		select {
		case a.upkeep.again <- struct{}{}:
		default:
		}
	}
	writeJSON(w, http.StatusOK, map[string]any{"keys": keys,
		"resealing": map[string]any{"running": progress.Running, "done": progress.Resealed, "left": left}})
}

func adminError(w http.ResponseWriter, status int, code, message string) {
	writeJSON(w, status, map[string]string{"error": code, "message": message})
}

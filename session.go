package wayleave

import (
	"net/http"
	"time"
)

// sessionAnswer is what the session endpoint says. It holds no token.
type sessionAnswer struct {
	User      userAnswer `json:"user"`
	SignedIn  time.Time  `json:"signed_in_at"`
	ExpiresAt time.Time  `json:"expires_at"`
}

type userAnswer struct {
	ID            string `json:"id"`
	Provider      string `json:"provider"`
	Issuer        string `json:"issuer"`
	Subject       string `json:"subject"`
	Email         string `json:"email"`
	EmailVerified bool   `json:"email_verified"`
	Name          string `json:"name"`
	Picture       string `json:"picture"`
}

// showSession tells the app's own scripts who is signed in.
func (a *Auth) showSession(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Vary", "Cookie")
	s, err := a.sessionNow(r)
	switch {
	case err != nil:
		retryAfter(w, 5*time.Second)
		writeJSON(w, http.StatusServiceUnavailable, map[string]string{"error": "temporarily_unavailable"})
	case s == nil:
		writeJSON(w, http.StatusUnauthorized, map[string]string{"error": "login_required", "login_url": a.cfg.BaseURL + a.cfg.BasePath + "/"})
	default:
		writeJSON(w, http.StatusOK, sessionAnswer{User: userAnswer(s.User), SignedIn: s.Created.UTC(), ExpiresAt: s.Expires.UTC()})
	}
}

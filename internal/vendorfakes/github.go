package vendorfakes

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// GitHub answers as GitHub does: tokens as a form unless JSON is asked for,
// errors with status 200, scopes with commas, no ID token, and an API that
// wants to know who calls. The API lies under /api.
type GitHub struct {
	*server
	behaviour GitHubBehaviour
}

// GitHubAccount is who is signed in at GitHub.
type GitHubAccount struct {
	ID    json.Number // kept as text: it must be exact
	Login string
	Name  *string // nil: null
	Email *string // on the public profile; nil: null
}

// GitHubEmail is one entry of the list of addresses.
type GitHubEmail struct {
	Email    string `json:"email"`
	Primary  bool   `json:"primary"`
	Verified bool   `json:"verified"`
	// Visibility is "public", "private" or nil.
	Visibility *string `json:"visibility"`
}

// GitHubBehaviour is what happens there.
type GitHubBehaviour struct {
	Account GitHubAccount
	Emails  []GitHubEmail
	// EmailsStatus is what the list of addresses answers instead, if not zero.
	EmailsStatus int
	// Cancel: the person does not consent.
	Cancel bool
	// CallbackISS is iss in callbacks. Empty: none.
	CallbackISS string
	// App: a GitHub App, whose tokens have no scopes, expire, and rotate.
	App bool
	// AccessLifetime is expires_in of an App. Zero: eight hours, as there.
	AccessLifetime time.Duration
}

// GitHubRegisteredCallback is where errors go that concern the redirect URI.
const GitHubRegisteredCallback = "http://127.0.0.1:1/registered/callback"

// NewGitHub starts one with an ordinary account signed in.
func NewGitHub(t testing.TB) *GitHub {
	t.Helper()
	g := &GitHub{behaviour: GitHubBehaviour{
		Account: GitHubAccount{ID: "583231", Login: "octo-mara", Name: new("Mara Lind")},
		Emails: []GitHubEmail{
			{Email: "583231+octo-mara@users.noreply.github.example", Verified: true},
			{Email: "mara@home.example", Primary: true, Verified: true, Visibility: new("private")},
		},
	}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /login/oauth/authorize", g.authorize)
	mux.HandleFunc("POST /login/oauth/access_token", g.token)
	mux.HandleFunc("GET /api/user", g.api(g.user))
	mux.HandleFunc("GET /api/user/emails", g.api(g.emails))
	g.server = newServer(t, mux)
	return g
}

// Change changes the behaviour from the next request on.
func (g *GitHub) Change(f func(*GitHubBehaviour)) {
	g.mu.Lock()
	defer g.mu.Unlock()
	f(&g.behaviour)
}

func (g *GitHub) now() GitHubBehaviour {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.behaviour
}

func (g *GitHub) authorize(w http.ResponseWriter, r *http.Request) {
	b := g.now()
	asked, problem := asked(r.URL.Query())
	switch problem {
	case "":
	case "redirect_uri_mismatch":
		sendBack(w, r, &grant{redirectURI: GitHubRegisteredCallback}, url.Values{"error": {"redirect_uri_mismatch"},
			"error_description": {"The redirect_uri is not associated with this application."}})
		return
	default:
		page(w, http.StatusNotFound, "This is not the web page you are looking for.")
		return
	}
	params := url.Values{}
	if b.CallbackISS != "" {
		params.Set("iss", b.CallbackISS)
	}
	if b.Cancel {
		params.Set("error", "access_denied")
		params.Set("error_description", "The user has denied your application access.")
		params.Set("error_uri", "https://docs.github.com/apps/managing-oauth-apps/troubleshooting-authorization-request-errors/#access-denied")
		sendBack(w, r, asked, params)
		return
	}
	asked.account, asked.offline = b.Account, b.App
	if b.App {
		asked.scopes = nil
	}
	params.Set("code", g.issueCode(asked))
	sendBack(w, r, asked, params)
}

func (g *GitHub) token(w http.ResponseWriter, r *http.Request) {
	refuse := func(code, description string) {
		g.encode(w, r, url.Values{"error": {code}, "error_description": {description},
			"error_uri": {"https://docs.github.com/apps/managing-oauth-apps/troubleshooting-oauth-app-access-token-request-errors/"}})
	}
	if !clientMatches(r) {
		refuse("incorrect_client_credentials", "The client_id and/or client_secret passed are incorrect.")
		return
	}
	var granted *grant
	if r.PostForm.Get("grant_type") == "refresh_token" {
		if granted = g.spend(g.refresh, r.PostForm.Get("refresh_token")); granted == nil {
			refuse("bad_refresh_token", "The refresh token passed is incorrect or expired.")
			return
		}
	} else {
		var problem string
		switch granted, problem = g.redeem(r.PostForm); problem {
		case "":
		case "redirect_uri":
			refuse("redirect_uri_mismatch", "The redirect_uri MUST match the registered callback URL for this application.")
			return
		default:
			refuse("bad_verification_code", "The code passed is incorrect or expired.")
			return
		}
	}
	g.answer(w, r, granted)
}

func (g *GitHub) answer(w http.ResponseWriter, r *http.Request, granted *grant) {
	out := url.Values{"access_token": {g.issue(g.access, "gho_", granted)}, "scope": {strings.Join(granted.scopes, ",")}, "token_type": {"bearer"}}
	if granted.offline {
		lifetime := 8 * time.Hour
		if l := g.now().AccessLifetime; l > 0 {
			lifetime = l
		}
		out.Set("expires_in", seconds(lifetime))
		out.Set("refresh_token", g.issue(g.refresh, "ghr_", granted))
		out.Set("refresh_token_expires_in", "15897600")
	}
	g.encode(w, r, out)
}

func seconds(d time.Duration) string { return strconv.Itoa(int(d / time.Second)) }

// encode answers 200 in any case: as JSON if that is asked for, else as a form.
func (g *GitHub) encode(w http.ResponseWriter, r *http.Request, members url.Values) {
	if r.Header.Get("Accept") != "application/json" {
		w.Header().Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
		_, _ = io.WriteString(w, members.Encode()) // the client has gone
		return
	}
	out := object{}
	for name := range members {
		out[name] = members.Get(name)
		if strings.HasSuffix(name, "expires_in") {
			out[name] = json.Number(members.Get(name))
		}
	}
	sendJSON(w, http.StatusOK, out)
}

// api makes a handler of the API, which demands three headers.
func (g *GitHub) api(next func(http.ResponseWriter, *grant)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		granted := g.granted(g.access, bearer(r))
		accept := r.Header.Get("Accept")
		switch {
		case r.Header.Get("User-Agent") == "":
			page(w, http.StatusForbidden, "Request forbidden by administrative rules. Please make sure your request has a User-Agent header.")
		case accept != "application/vnd.github+json" && accept != "application/json":
			apiError(w, http.StatusUnsupportedMediaType, "Unsupported 'Accept' header. Must accept 'application/json'.")
		case !slices.Contains([]string{"", "2022-11-28"}, r.Header.Get("X-GitHub-Api-Version")):
			apiError(w, http.StatusBadRequest, "The API version is not supported.")
		case granted == nil:
			apiError(w, http.StatusUnauthorized, "Bad credentials")
		default:
			next(w, granted)
		}
	}
}

func apiError(w http.ResponseWriter, status int, message string) {
	sendJSON(w, status, object{"message": message, "documentation_url": "https://docs.github.com/rest"})
}

func (g *GitHub) user(w http.ResponseWriter, granted *grant) {
	a := granted.account.(GitHubAccount)
	sendJSON(w, http.StatusOK, object{
		"login": a.Login, "id": a.ID, "node_id": "MDQ6VXNlcjU4MzIzMQ==", "avatar_url": "https://avatars.githubusercontent.example/u/" + a.ID.String() + "?v=4",
		"gravatar_id": "", "html_url": "https://github.example/" + a.Login, "type": "User", "user_view_type": "private", "site_admin": false,
		"name": a.Name, "company": nil, "blog": "", "location": nil, "email": a.Email, "hireable": nil, "bio": nil,
		"public_repos": 2, "followers": 20, "created_at": "2011-01-25T18:44:36Z", "two_factor_authentication": true,
	})
}

func (g *GitHub) emails(w http.ResponseWriter, granted *grant) {
	b := g.now()
	switch {
	case b.EmailsStatus != 0:
		apiError(w, b.EmailsStatus, http.StatusText(b.EmailsStatus))
	case !granted.offline && !slices.Contains(granted.scopes, "user:email"):
		apiError(w, http.StatusNotFound, "Not Found")
	default:
		sendJSON(w, http.StatusOK, b.Emails)
	}
}

package devidp_test

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wayleave/wayleave/devidp"
)

// One observation per fault, on the wire. The provider is fresh each time, and
// the fault is on from its start.
var observations = map[string]func(*testing.T, *app){
	"discovery-500": func(t *testing.T, a *app) {
		equal(t, "status", a.get("/.well-known/openid-configuration").status, 500)
	},
	"discovery-html": func(t *testing.T, a *app) { isHTML(t, a.get("/.well-known/openid-configuration")) },
	"discovery-wrong-issuer": func(t *testing.T, a *app) {
		equal(t, "issuer", a.get("/.well-known/openid-configuration").text("issuer"), a.idp.Issuer()+"/")
	},

	"access-denied": func(t *testing.T, a *app) {
		equal(t, "error", a.login().Get("error"), "access_denied")
		equal(t, "pages", a.idp.Count("signin"), 0)
	},
	"server-error": func(t *testing.T, a *app) { equal(t, "error", a.login().Get("error"), "server_error") },
	"wrong-state": func(t *testing.T, a *app) {
		if state := a.login().Get("state"); state == "" || state == "a state & more" {
			t.Errorf("state %q", state)
		}
	},
	"wrong-response-iss": func(t *testing.T, a *app) { equal(t, "iss", a.login().Get("iss"), a.idp.Issuer()+"/") },
	"missing-response-iss": func(t *testing.T, a *app) {
		equal(t, "iss is present", a.login().Has("iss"), false)
		metadata := a.get("/.well-known/openid-configuration").json
		equal(t, "promised", metadata["authorization_response_iss_parameter_supported"], any(true))
	},
	"error-and-code": func(t *testing.T, a *app) {
		arrived := a.login()
		equal(t, "both", arrived.Has("code") && arrived.Get("error") == "access_denied", true)
	},
	"duplicate-code": func(t *testing.T, a *app) { equal(t, "codes", len(a.login()["code"]), 2) },

	"token-slow": func(t *testing.T, a *app) {
		form := exchange(a.login().Get("code"))
		request, err := http.NewRequestWithContext(t.Context(), "POST", a.idp.Issuer()+"/token", strings.NewReader(form.Encode()))
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		request.SetBasicAuth("finance-tracker", devidp.DevSecret)
		impatient := http.Client{Timeout: 50 * time.Millisecond}
		if _, err := impatient.Do(request); err == nil {
			t.Error("an answer came at once")
		}
		// Hanging up left the code alone: the provider never got to redeem it.
		if err := a.idp.SetFaults(); err != nil {
			t.Fatal(err)
		}
		equal(t, "status afterwards", a.post(form).status, 200)
	},
	"token-500":       func(t *testing.T, a *app) { spares(t, a, func(r answer) { equal(t, "status", r.status, 500) }) },
	"token-html":      func(t *testing.T, a *app) { spares(t, a, func(r answer) { isHTML(t, r) }) },
	"token-error-200": func(t *testing.T, a *app) { spares(t, a, func(r answer) { refused200(t, r) }) },
	"token-redirect": func(t *testing.T, a *app) {
		form := exchange(a.login().Get("code"))
		r := a.post(form)
		equal(t, "status", r.status, http.StatusTemporaryRedirect)
		equal(t, "Location", r.header.Get("Location"), "/token/elsewhere")
		equal(t, "nobody followed", a.idp.Count("elsewhere"), 0)
		credulous, err := http.PostForm(a.idp.Issuer()+"/token", form)
		if err != nil {
			t.Fatal(err)
		}
		credulous.Body.Close()
		equal(t, "somebody followed", a.idp.Count("elsewhere"), 1)
		equal(t, "to no avail", credulous.StatusCode, 400)
	},
	"refresh-invalid-grant": func(t *testing.T, a *app) {
		r := a.offline()
		refused(t, a.post(refreshing(r.text("refresh_token"))), 400, "invalid_grant", "the provider was told to fail")
		if err := a.idp.SetFaults(); err != nil {
			t.Fatal(err)
		}
		equal(t, "status afterwards", a.post(refreshing(r.text("refresh_token"))).status, 200)
	},
	"token-huge": func(t *testing.T, a *app) {
		response := rawToken(t, a)
		defer response.Body.Close()
		start := make([]byte, 1<<20)
		if _, err := io.ReadFull(response.Body, start); err != nil || !bytes.HasPrefix(start, []byte(`{"access_token":"AAAA`)) {
			t.Errorf("the first MiB: %v, begins %q", err, start[:20])
		}
	},
	"token-truncated": func(t *testing.T, a *app) {
		response := rawToken(t, a)
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		if !errors.Is(err, io.ErrUnexpectedEOF) || len(body) == 0 || json.Valid(body) {
			t.Errorf("%d bytes, then %v", len(body), err)
		}
	},
	"token-duplicate-member": func(t *testing.T, a *app) {
		r := a.tokens()
		equal(t, "times", strings.Count(r.body, `"access_token":`), 2)
		equal(t, "the last one works", a.bearer("/userinfo", r.text("access_token")).status, 200)
	},
	"token-type-mac":       func(t *testing.T, a *app) { equal(t, "token_type", a.tokens().text("token_type"), "mac") },
	"token-type-lowercase": func(t *testing.T, a *app) { equal(t, "token_type", a.tokens().text("token_type"), "bearer") },
	"expires-in-text":      func(t *testing.T, a *app) { has(t, a.tokens(), `"expires_in":"600"`) },
	"expires-in-negative":  func(t *testing.T, a *app) { has(t, a.tokens(), `"expires_in":-1,`) },
	"expires-in-huge":      func(t *testing.T, a *app) { has(t, a.tokens(), `"expires_in":9223372037,`) },
	"expires-in-float":     func(t *testing.T, a *app) { has(t, a.tokens(), `"expires_in":600.9,`) },
	"expires-in-missing":   func(t *testing.T, a *app) { lacks(t, a.tokens().json, "expires_in") },
	"scope-empty": func(t *testing.T, a *app) {
		r := a.tokens()
		has(t, r, `"scope":""`)
		equal(t, "userinfo", a.bearer("/userinfo", r.text("access_token")).status, 403)
	},
	"scope-narrowed": func(t *testing.T, a *app) {
		r := a.tokens()
		equal(t, "scope", r.text("scope"), "openid")
		equal(t, "userinfo", a.bearer("/userinfo", r.text("access_token")).status, 200)
		equal(t, "API", a.bearer("/api/accounts", r.text("access_token")).status, 403)
	},
	"scope-missing":    func(t *testing.T, a *app) { lacks(t, a.tokens().json, "scope") },
	"missing-id-token": func(t *testing.T, a *app) { lacks(t, a.tokens().json, "id_token") },
	"refresh-no-rotation": func(t *testing.T, a *app) {
		first := a.offline()
		for range 2 {
			r := a.post(refreshing(first.text("refresh_token")))
			equal(t, "status", r.status, 200)
			lacks(t, r.json, "refresh_token")
		}
	},
	"refresh-no-expiry": func(t *testing.T, a *app) {
		first := a.offline()
		has(t, first, `"expires_in":600`)
		lacks(t, a.post(refreshing(first.text("refresh_token"))).json, "expires_in")
	},
	"refresh-other-sub": func(t *testing.T, a *app) {
		first := a.offline()
		equal(t, "first sub", claims(t, a, first)["sub"], any("ada"))
		equal(t, "sub", claims(t, a, a.post(refreshing(first.text("refresh_token"))))["sub"], any("ada-other"))
	},

	"wrong-nonce": func(t *testing.T, a *app) {
		nonce := claims(t, a, a.tokens())["nonce"].(string)
		equal(t, "almost right", nonce != "a-nonce" && strings.HasPrefix(nonce, "a-nonce"), true)
	},
	"missing-nonce": func(t *testing.T, a *app) { lacks(t, claims(t, a, a.tokens()), "nonce") },
	"wrong-issuer":  func(t *testing.T, a *app) { equal(t, "iss", claims(t, a, a.tokens())["iss"], any(a.idp.Issuer()+"/")) },
	"wrong-audience": func(t *testing.T, a *app) {
		equal(t, "aud", claims(t, a, a.tokens())["aud"], any("finance-tracker-other"))
	},
	"extra-audience": func(t *testing.T, a *app) {
		got := claims(t, a, a.tokens())
		lacks(t, got, "azp")
		if aud := got["aud"].([]any); !slices.Equal(aud, []any{"finance-tracker", "https://stranger.example"}) {
			t.Errorf("aud %v", aud)
		}
	},
	"expired-token": func(t *testing.T, a *app) {
		got := claims(t, a, a.tokens())
		about(t, "exp", got["exp"], -time.Hour)
		about(t, "iat", got["iat"], -2*time.Hour)
	},
	"issued-in-future": func(t *testing.T, a *app) {
		got := claims(t, a, a.tokens())
		about(t, "iat", got["iat"], time.Hour)
		about(t, "exp", got["exp"], 2*time.Hour)
	},
	"missing-sub": func(t *testing.T, a *app) { lacks(t, claims(t, a, a.tokens()), "sub") },
	"wrong-at-hash": func(t *testing.T, a *app) {
		r := a.tokens()
		hash := sha256.Sum256([]byte(r.text("access_token")))
		got := claims(t, a, r)["at_hash"].(string)
		right := base64.RawURLEncoding.EncodeToString(hash[:16])
		equal(t, "plausible but wrong", len(got) == len(right) && got != right, true)
	},
	"alg-none": func(t *testing.T, a *app) {
		token := a.tokens().text("id_token")
		equal(t, "alg", part(t, token, 0)["alg"], any("none"))
		equal(t, "signature is empty", strings.HasSuffix(token, "."), true)
		equal(t, "sub", part(t, token, 1)["sub"], any("ada"))
	},
	"alg-hs256": func(t *testing.T, a *app) {
		token := a.tokens().text("id_token")
		equal(t, "alg", part(t, token, 0)["alg"], any("HS256"))
		key := a.jwks()[0]
		equal(t, "kid", part(t, token, 0)["kid"], any(key.KeyID))
		der, err := x509.MarshalPKIXPublicKey(key.Key)
		if err != nil {
			t.Fatal(err)
		}
		mac := hmac.New(sha256.New, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
		cut := strings.LastIndex(token, ".")
		mac.Write([]byte(token[:cut]))
		equal(t, "HMAC with the public key", token[cut+1:], base64.RawURLEncoding.EncodeToString(mac.Sum(nil)))
	},
	"bad-signature": func(t *testing.T, a *app) {
		token := a.tokens().text("id_token")
		equal(t, "kid is published", part(t, token, 0)["kid"], any(a.jwks()[0].KeyID))
		equal(t, "verifies", verifies(t, token, a.jwks()), false)
	},
	"unknown-key": func(t *testing.T, a *app) {
		token := a.tokens().text("id_token")
		for range 3 {
			for _, key := range a.jwks() {
				equal(t, "kid is published", part(t, token, 0)["kid"] == any(key.KeyID), false)
			}
		}
	},
	"late-key": func(t *testing.T, a *app) {
		token := a.tokens().text("id_token")
		equal(t, "verifies with the first JWKS", verifies(t, token, a.jwks()), false)
		equal(t, "verifies with the second", verifies(t, token, a.jwks()), true)
	},

	"jwks-500": func(t *testing.T, a *app) { equal(t, "status", a.get("/jwks").status, 500) },
	"jwks-strange-keys": func(t *testing.T, a *app) {
		body := a.get("/jwks").body
		for _, strange := range []string{`"kty":"LATTICE"`, `"d":"`, `"kty":"oct"`, `"kty":"RSA"`, `"use":"enc"`, `null`} {
			equal(t, strange, strings.Contains(body, strange), true)
		}
		equal(t, "verifies", verifies(t, a.tokens().text("id_token"), a.jwks()), true)
	},

	"userinfo-500":  func(t *testing.T, a *app) { equal(t, "status", a.get("/userinfo").status, 500) },
	"userinfo-html": func(t *testing.T, a *app) { isHTML(t, a.get("/userinfo")) },
	"userinfo-array": func(t *testing.T, a *app) {
		equal(t, "begins with", a.bearer("/userinfo", a.tokens().text("access_token")).body[:2], "[{")
	},
	"userinfo-other-sub": func(t *testing.T, a *app) {
		equal(t, "sub", a.bearer("/userinfo", a.tokens().text("access_token")).text("sub"), "ada-other")
	},

	"api-401-once": func(t *testing.T, a *app) {
		token := a.tokens().text("access_token")
		r := a.bearer("/api/accounts", token)
		equal(t, "first", r.status, 401)
		equal(t, "error", r.text("error"), "invalid_token")
		equal(t, "second", a.bearer("/api/accounts", token).status, 200)
		if err := a.idp.SetFaults("api-401-once"); err != nil {
			t.Fatal(err)
		}
		equal(t, "switched on again", a.bearer("/api/transactions", token).status, 401)
	},
}

func TestEveryFaultShowsOnTheWire(t *testing.T) {
	for _, fault := range devidp.Faults() {
		t.Run(fault.Name, func(t *testing.T) {
			observe, ok := observations[fault.Name]
			if !ok {
				t.Fatal("nobody observes this fault")
			}
			observe(t, newApp(t, func(o *devidp.Options) { o.Faults = []string{fault.Name} }))
		})
	}
	equal(t, "faults", len(observations), len(devidp.Faults()))
}

func TestFaultsAreDocumented(t *testing.T) {
	seen := map[string]bool{}
	for _, fault := range devidp.Faults() {
		if fault.Summary == "" || strings.Contains(fault.Summary, "\n") || seen[fault.Name] {
			t.Errorf("fault %+v: want one line of summary and a name of its own", fault)
		}
		seen[fault.Name] = true
		where := []string{"discovery", "jwks", "authorize", "token", "id_token", "userinfo", "api"}
		if !slices.Contains(where, fault.Where) {
			t.Errorf("fault %s shows at %q", fault.Name, fault.Where)
		}
	}
	page := newApp(t).get("/").body
	for name := range seen {
		if !strings.Contains(page, `value="`+name+`"`) {
			t.Errorf("the front page does not offer %s", name)
		}
	}
}

func TestFaultsAreSwitchedAtRunTime(t *testing.T) {
	a := newApp(t)
	if err := a.idp.SetFaults("token-500", "missing-sub"); err != nil {
		t.Fatal(err)
	}
	equal(t, "active", strings.Join(a.idp.ActiveFaults(), " "), "missing-sub token-500")

	err := a.idp.SetFaults("jwks-500", "no-such-fault", "nor-this")
	if err == nil || err.Error() != "unknown fault \"no-such-fault\"\nunknown fault \"nor-this\"" {
		t.Errorf("unexpected error %v", err)
	}
	equal(t, "still active", strings.Join(a.idp.ActiveFaults(), " "), "missing-sub token-500")

	send := func(names ...string) answer {
		r := serve(a.idp, "POST", "/faults", "", url.Values{"fault": names}.Encode())
		return answer{status: r.Code, header: r.Header(), body: r.Body.String()}
	}
	r := send("wrong-nonce")
	equal(t, "status", r.status, http.StatusSeeOther)
	equal(t, "Location", r.header.Get("Location"), "/")
	equal(t, "by form", strings.Join(a.idp.ActiveFaults(), " "), "wrong-nonce")
	equal(t, "unknown by form", send("bogus").status, http.StatusBadRequest)
	equal(t, "unchanged", strings.Join(a.idp.ActiveFaults(), " "), "wrong-nonce")
	send()
	equal(t, "off", len(a.idp.ActiveFaults()), 0)
	equal(t, "a login works again", a.tokens().status, 200)
}

func TestTheSlowAnswerTakesFifteenSecondsUnlessTheClientLeaves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		idp, err := devidp.New(devidp.Options{Issuer: "http://127.0.0.1:9000", Faults: []string{"token-slow"}})
		if err != nil {
			t.Fatal(err)
		}
		ask := func(ctx context.Context) time.Duration {
			request, err := http.NewRequestWithContext(ctx, "POST", idp.Issuer()+"/token", strings.NewReader(""))
			if err != nil {
				t.Fatal(err)
			}
			begun := time.Now()
			record(idp, request)
			return time.Since(begun)
		}
		equal(t, "patient", ask(t.Context()), 15*time.Second)
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		equal(t, "impatient", ask(ctx), 3*time.Second)
	})
}

// spares checks an answer that must leave the code unredeemed.
func spares(t *testing.T, a *app, check func(answer)) {
	t.Helper()
	form := exchange(a.login().Get("code"))
	check(a.post(form))
	if err := a.idp.SetFaults(); err != nil {
		t.Fatal(err)
	}
	equal(t, "status once the fault is off", a.post(form).status, 200)
}

func refused200(t *testing.T, r answer) {
	t.Helper()
	refused(t, r, 200, "invalid_grant", "the provider was told to fail")
}

func isHTML(t *testing.T, r answer) {
	t.Helper()
	equal(t, "status", r.status, 200)
	equal(t, "Content-Type", r.header.Get("Content-Type"), "text/html; charset=utf-8")
	equal(t, "an HTML page", strings.HasPrefix(r.body, "<!doctype html>"), true)
}

func has(t *testing.T, r answer, text string) {
	t.Helper()
	if !strings.Contains(r.body, text) {
		t.Errorf("the answer lacks %s", text)
	}
}

func lacks(t *testing.T, object map[string]any, name string) {
	t.Helper()
	if _, ok := object[name]; ok || object == nil {
		t.Errorf("%s is present, or there is no object", name)
	}
}

// claims reads an ID token whose signature must be good.
func claims(t *testing.T, a *app, r answer) map[string]any {
	t.Helper()
	if !verifies(t, r.text("id_token"), a.jwks()) {
		t.Error("the signature does not verify, which is not what this fault is about")
	}
	return part(t, r.text("id_token"), 1)
}

func about(t *testing.T, name string, got any, fromNow time.Duration) {
	t.Helper()
	seconds, _ := got.(float64)
	if off := time.Until(time.Unix(int64(seconds), 0)) - fromNow; off < -time.Minute || off > time.Minute {
		t.Errorf("%s is %v away from where it should be", name, off)
	}
}

// rawToken exchanges a code and leaves the body unread.
func rawToken(t *testing.T, a *app) *http.Response {
	t.Helper()
	form := with(exchange(a.login().Get("code")), "client_id", "finance-tracker", "client_secret", devidp.DevSecret)
	response, err := http.PostForm(a.idp.Issuer()+"/token", form)
	if err != nil {
		t.Fatal(err)
	}
	return response
}

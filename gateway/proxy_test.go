package gateway_test

import (
	"testing"
)

func TestAPersonSignsInAndIsPassedOn(t *testing.T) {
	a := newApp(t)
	b := a.browser()
	if at := b.signIn("ada", "/reports?year=2026"); at.StatusCode != 200 || at.body != "hello from /reports" {
		t.Fatalf("%d %s", at.StatusCode, at.body)
	}
	r := a.last()
	for name, want := range map[string]string{
		"X-Wayleave-Provider": "dev", "X-Wayleave-Subject": "ada", "X-Wayleave-Email": "ada@example.com", "X-Wayleave-Name": "Ada Marsh", "X-Wayleave-Groups": "",
		"X-Forwarded-Host": a.base[7:], "X-Forwarded-Proto": "http", "X-Forwarded-For": "127.0.0.1",
	} {
		if got := r.Header[name]; len(got) != 1 || got[0] != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if r.URL.RawQuery != "year=2026" || r.Host != a.base[7:] || len(r.Header["Cookie"]) > 0 {
		t.Errorf("the upstream got %s, Host %s, cookies %q", r.URL, r.Host, r.Header["Cookie"])
	}
	if at := b.open("/admin"); at.StatusCode != 403 {
		t.Errorf("/admin: %d", at.StatusCode)
	}
	if at := a.browser().signIn("grace", "/admin"); at.StatusCode != 200 {
		t.Errorf("/admin for an admin: %d", at.StatusCode)
	}
	if at := a.browser().ask("GET", "/api/x"); at.StatusCode != 401 {
		t.Errorf("/api: %d", at.StatusCode)
	}
	if at := a.browser().open("/public/x"); at.StatusCode != 200 {
		t.Errorf("/public: %d", at.StatusCode)
	}
}

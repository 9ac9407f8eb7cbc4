package oauth

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// documents is a source of metadata that a test controls.
type documents struct {
	reads int
	meta  serverMetadata
	err   error
}

func (d *documents) read(context.Context) (*serverMetadata, error) {
	d.reads++
	if d.err != nil {
		return nil, d.err
	}
	m := d.meta
	return &m, nil
}

func newDocuments() (*documents, *metadataSource) {
	d := &documents{meta: serverMetadata{tokenURL: "https://id.example/token", authorizationURL: "https://id.example/auth", issInResponse: true, challengeMethods: []string{"S256"}}}
	return d, &metadataSource{read: d.read, weaker: (&Client{}).checkNotWeaker}
}

// after lets time pass, asks, and waits until the background has done its work.
func after(t *testing.T, s *metadataSource, d time.Duration) (*serverMetadata, error) {
	t.Helper()
	time.Sleep(d)
	m, err := s.get(t.Context())
	synctest.Wait()
	return m, err
}

func TestDIS11_MetadataIsReadAgainInTheBackground(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, s := newDocuments()
		first, err := after(t, s, 0)
		if err != nil || d.reads != 1 {
			t.Fatalf("%v after %d reads", err, d.reads)
		}
		d.meta.userInfoURL = "https://id.example/new"
		for range 10 {
			if m, _ := after(t, s, time.Minute); m != first {
				t.Fatal("a fresh copy was not kept")
			}
		}
		if m, _ := after(t, s, metadataFresh); m != first || d.reads != 2 {
			t.Fatalf("a caller waited for the background, or %d reads", d.reads)
		}
		if m, _ := after(t, s, 0); m.userInfoURL != "https://id.example/new" {
			t.Error("the new copy is not used")
		}
	})
}

func TestA234_TheLastGoodCopyIsKeptForADay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, s := newDocuments()
		if _, err := after(t, s, 0); err != nil {
			t.Fatal(err)
		}
		down := errors.New("down")
		d.err = down
		for range 22 {
			if m, err := after(t, s, time.Hour); m == nil || err != nil {
				t.Fatalf("after some hours: %v", err)
			}
		}
		before := d.reads
		for range 100 {
			after(t, s, 100*time.Millisecond)
		}
		if n := d.reads - before; n > 1 {
			t.Errorf("%d attempts in ten seconds", n)
		}
		if _, err := after(t, s, 3*time.Hour); !errors.Is(err, down) {
			t.Errorf("after a day: %v", err)
		}
		d.err = nil
		if _, err := after(t, s, metadataPause); err != nil {
			t.Errorf("recovered: %v", err)
		}
	})
}

func TestA036_AWeakerDocumentIsNotTaken(t *testing.T) {
	for name, change := range map[string]func(*serverMetadata){
		"token endpoint elsewhere":         func(m *serverMetadata) { m.tokenURL = "https://evil.example/token" },
		"authorization endpoint elsewhere": func(m *serverMetadata) { m.authorizationURL = "https://evil.example/auth" },
		"keys elsewhere":                   func(m *serverMetadata) { m.jwksURL = "https://evil.example/keys" },
		"userinfo elsewhere":               func(m *serverMetadata) { m.userInfoURL = "https://evil.example/userinfo" },
		"revocation elsewhere":             func(m *serverMetadata) { m.revocationURL = "https://evil.example/revoke" },
		"logout elsewhere":                 func(m *serverMetadata) { m.endSessionURL = "https://evil.example/logout" },
		"iss no longer promised":           func(m *serverMetadata) { m.issInResponse = false },
		"S256 no longer offered":           func(m *serverMetadata) { m.challengeMethods = []string{"plain"} },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d, s := newDocuments()
				good, err := after(t, s, 0)
				if err != nil {
					t.Fatal(err)
				}
				change(&d.meta)
				if m, _ := after(t, s, metadataFresh); m != good {
					t.Error("the caller got another copy")
				}
				if m, err := after(t, s, metadataPause); m != good || err != nil {
					t.Errorf("the weaker copy is used: %+v, %v", m, err)
				}
				if CheckOf(s.err) != CheckDiscovery {
					t.Errorf("error %v", s.err)
				}
				// At the end of the old copy's life there is none.
				if m, err := after(t, s, metadataUsable); CheckOf(err) != CheckDiscovery || m != nil {
					t.Errorf("after a day: %v", err)
				}
			})
		})
	}
}

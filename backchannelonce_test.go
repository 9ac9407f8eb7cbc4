package wayleave_test

import (
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/wayleave/wayleave"
	"github.com/wayleave/wayleave/devidp/devidptest"
	"github.com/wayleave/wayleave/store/storetest"
)

// logoutOf makes a token that ends all sessions of a person.
func (a *app) logoutOf(person string, claims ...any) string {
	a.t.Helper()
	all := map[string]any{"aud": "app", "sub": person}
	for i := 0; i < len(claims); i += 2 {
		all[claims[i].(string)] = claims[i+1]
	}
	return devidptest.LogoutToken(a.t, a.idp, all)
}

const usedBefore = "the logout token was used before"

// TestA215_ALogoutTokenCountsOnce: sent again after a new login, it is refused,
// as long as it could be valid; and one that is late ends nothing that began
// after it was made.
func TestA215_ALogoutTokenCountsOnce(t *testing.T) {
	inTime(t, func(a *timed) {
		b := a.browser()
		b.signIn("/")
		token := a.logoutOf("ada", "exp", time.Now().Add(time.Hour).Unix())
		late := a.logoutOf("ada", "exp", time.Now().Add(time.Hour).Unix())
		checkTold(t, a.tell(token))
		if b.user() != "" {
			t.Fatal("the session was not ended")
		}
		checkRefused(t, a.tell(token), usedBefore)
		a.sleep(10 * time.Second)
		b.finish(b.callback("/"))
		checkRefused(t, a.tell(token), usedBefore)
		checkTold(t, a.tell(late))
		if b.user() == "" {
			t.Error("a token ended a session that began ten seconds after it")
		}
		for range 70 {
			a.sleep(time.Minute)
			if at := a.tell(token); at.StatusCode != http.StatusBadRequest {
				t.Fatalf("accepted a second time: status %d", at.StatusCode)
			}
		}
	}, func(c *wayleave.Config) { c.IdleTimeout, c.SessionLifetime = 10*time.Hour, 10*time.Hour })
}

// TestA215_TheClocksOfOneProvider may differ by a few seconds from each other.
func TestA215_TheClocksOfOneProvider(t *testing.T) {
	inTime(t, func(a *timed) {
		token := a.logoutOf("ada")
		a.sleep(4 * time.Second)
		b := a.browser()
		b.signIn("/")
		checkTold(t, a.tell(token))
		if b.user() != "" {
			t.Error("a session that began seconds after the token was made lives on")
		}
	})
}

// TestA215_AHundredDeliveriesAtOnce, at two replicas: one is accepted.
func TestA215_AHundredDeliveriesAtOnce(t *testing.T) {
	one, two := replicas(t)
	b := one.browser()
	b.signIn("/")
	token := one.logoutOf("ada")
	var mu sync.Mutex
	heard := map[int]int{}
	var all sync.WaitGroup
	for i := range 100 {
		all.Go(func() {
			at := []*app{one, two}[i%2].tell(token)
			mu.Lock()
			defer mu.Unlock()
			heard[at.StatusCode]++
		})
	}
	all.Wait()
	if heard[200] != 1 || heard[400] != 99 || b.user() != "" {
		t.Errorf("heard %v, want 200 once and 400 else; signed in: %v", heard, b.user() != "")
	}
}

// TestA215_WhileTheStoreIsDown the answer is 400, nobody claims that a session
// has ended, and the same token works when it is sent again.
func TestA215_WhileTheStoreIsDown(t *testing.T) {
	for _, ops := range [][]storetest.Op{{storetest.Get}, {storetest.Create}, {storetest.Lookup}, {storetest.Replace}, {storetest.Delete}, nil} {
		t.Run(fmt.Sprint(ops), func(t *testing.T) {
			var s *storetest.Faulty
			inTime(t, func(a *timed) {
				b := a.browser()
				b.signIn("/")
				token := a.logoutOf("ada", "exp", time.Now().Add(time.Hour).Unix())
				s.Fail(errDown, ops...)
				checkRefused(t, a.tell(token), "the logout could not be carried out")
				s.Heal()
				a.sleep(31 * time.Second) // a claim that could not be taken back ends by itself
				checkTold(t, a.tell(token))
				if b.user() != "" || a.store.Len("session") != 0 {
					t.Error("the session lives on")
				}
				checkRefused(t, a.tell(token), usedBefore)
			}, faulty(&s), withSessionGrants)
		})
	}
}

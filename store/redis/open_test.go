package redis_test

import (
	"context"
	"net"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/wayleave/wayleave/internal/testservers"
	servers "github.com/wayleave/wayleave/internal/testservers/redis"
	"github.com/wayleave/wayleave/store"
	"github.com/wayleave/wayleave/store/redis"
)

const password = "canary/p@ss word"

// encoded is the password as it stands in a URL.
const encoded = "canary%2Fp%40ss%20word"

func TestOpenWithPassword(t *testing.T) {
	t.Parallel()
	s := servers.Start(t, servers.Options{Password: password})
	// What the package says that a user needs.
	s.CLI(t, append([]string{"ACL", "SETUSER", "ann", "on", ">" + password, "~wayleave:*"}, strings.Fields(
		"+hello +ping +select +client|setname +get +getrange +set +del +time +eval +evalsha "+
			"+zadd +zrem +zrange +zrangebyscore +zremrangebyscore +pexpireat +wait +scan +info +client|tracking")...)...)
	for name, user := range map[string]string{"of the default user": ":" + encoded, "of another user": "ann:" + encoded} {
		t.Run(name, func(t *testing.T) {
			st := open(t, "redis://"+user+"@"+s.Address())
			k, second := key(), key()
			create(t, st, k, record("v", second))
			wantValue(t, st, k, "v")
			wantLookup(t, st, second, k)
			if _, err := st.Check(t.Context()); err != nil {
				t.Errorf("Check: %v", err)
			}
			if keys, _, err := st.Scan(t.Context(), things, "", 1000); err != nil || len(keys) != 1 {
				t.Errorf("Scan: %d keys, error %v", len(keys), err)
			}
			testservers.Watch(t, st).Ends(t, st, 1, 1)
			if _, _, err := st.Take(t.Context(), things, k); err != nil {
				t.Errorf("Take: %v", err)
			}
			if err := st.Delete(t.Context(), things, k); err != nil {
				t.Errorf("Delete: %v", err)
			}
		})
	}
	for name, c := range map[string]struct{ user, want string }{
		"A none":           {"", "NOAUTH"},
		"A wrong one":      {":wrong-" + encoded + "@", "WRONGPASS"},
		"A user not known": {"bob:" + encoded + "@", "WRONGPASS"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := redis.Open(t.Context(), "redis://"+c.user+s.Address(), redis.Options{})
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("Open: %v, want %s", err, c.want)
			}
			for _, secret := range []string{password, encoded, "canary"} {
				if err != nil && strings.Contains(err.Error(), secret) {
					t.Errorf("the error tells the password: %v", err)
				}
			}
		})
	}
}

// Servers before Redis 6, and some proxies, repeat in their error what they did
// not understand.
func TestErrorsDoNotRepeatThePassword(t *testing.T) {
	s := servers.Start(t, servers.Options{})
	p := newProxy(t, s.Address())
	p.answer(func(e exchange) []byte {
		if e.command[0] == "HELLO" {
			return []byte("-ERR strange command, with args beginning with: " + strings.Join(e.command, " ") + "\r\n")
		}
		return e.answer
	})
	_, err := redis.Open(t.Context(), strings.Replace(p.url(), "//", "//:"+encoded+"@", 1), redis.Options{})
	if err == nil || !strings.Contains(err.Error(), "strange command") || strings.Contains(err.Error(), "canary") {
		t.Errorf("Open: %v, want the server's error without the password", err)
	}
}

func TestOpenWithTLS(t *testing.T) {
	s := servers.Start(t, servers.Options{TLS: true, Password: "p"})
	st := openWith(t, s.URL(), redis.Options{RootCAs: s.RootCAs()})
	k := key()
	create(t, st, k, record("v"))
	wantValue(t, st, k, "v")
	openWith(t, strings.Replace(s.URL(), "127.0.0.1", "localhost", 1), redis.Options{RootCAs: s.RootCAs()})

	refused := map[string]string{
		"the system's authorities":              s.URL(),
		"a name not in the certificate":         strings.Replace(s.URL(), "127.0.0.1", "127.0.0.2", 1),
		"a server that speaks TLS, without TLS": strings.Replace(s.URL(), "rediss", "redis", 1),
	}
	for name, url := range refused {
		o := redis.Options{Timeout: time.Second}
		if name != "the system's authorities" {
			o.RootCAs = s.RootCAs()
		}
		if _, err := redis.Open(t.Context(), url, o); err == nil {
			t.Errorf("%s: opened", name)
		}
	}
}

func TestOpenSentinelWithPassword(t *testing.T) {
	t.Parallel()
	s := servers.StartSentinel(t, servers.SentinelOptions{Server: servers.Options{Password: "p"}})
	st := open(t, s.URL())
	k := key()
	create(t, st, k, record("v", key()))
	wantValue(t, st, k, "v")
	_, err := redis.Open(t.Context(), strings.Replace(s.URL(), "/main/", "/other/", 1), redis.Options{Timeout: time.Second})
	if err == nil {
		t.Error("opened with the name of another primary")
	}
}

func TestOpenFailsInTime(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0") // takes connections and is silent
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	began := time.Now()
	for _, scheme := range []string{"redis://", "redis+cluster://", "redis+sentinel://"} {
		url := scheme + ln.Addr().String()
		if scheme == "redis+sentinel://" {
			url += "/main"
		}
		if _, err := redis.Open(t.Context(), url, redis.Options{Timeout: 200 * time.Millisecond}); err == nil {
			t.Errorf("%s: opened", scheme)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		_, err := redis.Open(ctx, url, redis.Options{})
		wantErr(t, err, context.DeadlineExceeded)
		cancel()
	}
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("six attempts took %v", took)
	}
	if _, err := redis.Open(t.Context(), "redis://127.0.0.1:1", redis.Options{}); err == nil {
		t.Error("opened where nothing listens")
	}
	if _, err := redis.Open(t.Context(), "redis://a/b", redis.Options{}); err == nil || !strings.Contains(err.Error(), "redis URL: ") {
		t.Errorf("Open: %v, want what is wrong with the URL", err)
	}
}

func TestPrefixesSeparate(t *testing.T) {
	s := servers.Start(t, servers.Options{})
	one, two := open(t, s.URL()+"?prefix=one"), open(t, s.URL()+"?prefix=two")
	k, second := key(), key()
	create(t, one, k, record("1", second))
	wantAbsent(t, two, k)
	create(t, two, k, record("2"))
	wantLookup(t, two, second)
	wantValue(t, one, k, "1")
}

func TestCloseEndsEverything(t *testing.T) {
	for name, start := range arrangements {
		t.Run(name, func(t *testing.T) {
			url := start(t)
			runtime.GC()
			before := runtime.NumGoroutine()
			for range 2 {
				st, err := redis.Open(t.Context(), url, redis.Options{})
				if err != nil {
					t.Fatal(err)
				}
				testservers.Watch(t, st)
				done := make(chan struct{})
				for range 20 {
					go func() {
						for i := 0; ; i++ {
							if _, err := st.Create(context.Background(), things, key(), record("v", key())); err != nil {
								wantErr(t, err, store.ErrClosed)
								done <- struct{}{}
								return
							}
							if i == 5 {
								go st.Close()
							}
						}
					}()
				}
				for range 20 {
					<-done
				}
				st.Close()
			}
			eventually(t, "ended", func() bool { return runtime.NumGoroutine() <= before })
		})
	}
}

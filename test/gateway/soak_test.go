package gateway_test

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// TestSoak keeps the gateway at half of what it can do, with logins, logouts and
// streams in between, and looks whether anything grows: memory, goroutines,
// descriptors. Thirty minutes in the long form.
func TestSoak(t *testing.T) {
	lasts, looks := long(8*time.Second, 30*time.Minute), long(4, 30)
	if d, err := time.ParseDuration(os.Getenv("WAYLEAVE_SOAK")); err == nil {
		lasts, looks = d, max(4, int(d/time.Minute))
	}
	g := start(t, setup{store: "file:wayleave.db", extra: "log: {requests: true}\n"})
	grace := g.browser()
	grace.signIn("grace", "/")
	g.answerWith(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/events" {
			talks(w, r)
			return
		}
		w.Header().Set("Content-Type", "text/plain")
		io.WriteString(w, `"user":"`+r.Header.Get("X-Wayleave-Subject")+`" `+strings.Repeat("x", 1000))
	})
	most := g.most(grace, long(time.Second, 10*time.Second))
	rate := most / 2
	t.Logf("at most %.0f requests a second; %.0f for %v", most, rate, lasts)

	stop := make(chan struct{})
	var all sync.WaitGroup
	var good, bad, logins, streams atomic.Int64
	var first atomic.Pointer[string]
	machine := watchStalls(t)
	wrong := func(format string, args ...any) {
		// At once: who ends the run before its time wants to know, too.
		if problem := fmt.Sprintf(format, args...); bad.Add(1) <= 10 {
			t.Logf("failed: %s (the machine stood still for %v so far, at most %v at once)", problem, machine.lost(), machine.longest())
			first.CompareAndSwap(nil, &problem)
		}
	}
	const clients = 16
	cookie := grace.cookies()
	for range clients {
		client := &http.Client{Transport: &http.Transport{}, Timeout: 30 * time.Second}
		all.Go(func() {
			defer client.CloseIdleConnections()
			tick := time.NewTicker(time.Duration(float64(time.Second) * clients / rate))
			defer tick.Stop()
			for {
				select {
				case <-stop:
					return
				case <-tick.C:
				}
				r, _ := http.NewRequest("GET", "http://"+g.listen+"/page", nil)
				r.Header.Set("Cookie", cookie)
				resp, err := client.Do(r)
				if err != nil {
					wrong("%v", err)
					continue
				}
				body, err := io.ReadAll(resp.Body)
				resp.Body.Close()
				if err != nil || resp.StatusCode != 200 || !strings.Contains(string(body), `"user":"grace"`) {
					wrong("%d %.100q %v", resp.StatusCode, body, err)
					continue
				}
				good.Add(1)
			}
		})
	}
	// Once a second somebody signs in, opens a stream, and signs out again.
	all.Go(func() {
		tick := time.NewTicker(time.Second)
		defer tick.Stop()
		for {
			select {
			case <-stop:
				return
			case <-tick.C:
			}
			b := g.browser()
			if at := b.signIn("ada", "/x"); at.StatusCode != 200 {
				wrong("sign-in: %d %.100s", at.StatusCode, at.body)
				continue
			}
			logins.Add(1)
			c, resp, err := g.hold("/events", "Cookie: "+b.cookies()+"\r\n")
			if err != nil || resp.StatusCode != 200 {
				wrong("stream: %v", err)
				continue
			}
			out := b.ask("POST", "/auth/logout", "Origin", g.base, "Sec-Fetch-Site", "same-origin")
			if out.StatusCode >= 400 {
				wrong("logout: %d %.100s", out.StatusCode, out.body)
			}
			ended, lost := time.Now(), machine.lost()
			c.SetReadDeadline(ended.Add(30 * time.Second))
			io.Copy(io.Discard, c.r)
			if took := time.Since(ended); took-(machine.lost()-lost) > 5*time.Second {
				wrong("the stream outlived its session by %v, in which the machine stood still for %v; the logout was answered with %d, the session endpoint with %d",
					took, machine.lost()-lost, out.StatusCode, b.ask("GET", "/auth/session").StatusCode)
			}
			c.Close()
			b.client.CloseIdleConnections()
			streams.Add(1)
		}
	})
	type look struct{ memory, goroutines, descriptors float64 }
	var seen []look
	began := time.Now()
	for i := range looks {
		time.Sleep(time.Until(began.Add(lasts * time.Duration(i+1) / time.Duration(looks)))) // the load is what is waited for
		l := look{float64(g.memory()) / (1 << 20), g.metric("go_goroutines"), g.metric("process_open_fds")}
		seen = append(seen, l)
		t.Logf("%6s  %9d requests  %5d logins  %d failed  %6.1f MiB resident  %4.0f goroutines  %4.0f descriptors",
			time.Since(began).Round(time.Second), good.Load(), logins.Load(), bad.Load(), l.memory, l.goroutines, l.descriptors)
	}
	close(stop)
	all.Wait()
	t.Logf("the machine stood still for %v, at most %v at once", machine.lost().Round(time.Millisecond), machine.longest().Round(time.Millisecond))
	if p := first.Load(); p != nil {
		t.Errorf("%d failed, the first with %s", bad.Load(), *p)
	}
	half := len(seen) / 2
	for name, of := range map[string]func(look) float64{
		"memory": func(l look) float64 { return l.memory }, "goroutines": func(l look) float64 { return l.goroutines }, "descriptors": func(l look) float64 { return l.descriptors },
	} {
		var list []float64
		for _, l := range seen {
			list = append(list, of(l))
		}
		before, after := median(list[:half]), median(list[half:])
		// What is kept for reuse settles in the first minutes; a leak would not.
		if after > before*1.25+20 {
			t.Errorf("%s grew from %.1f to %.1f", name, before, after)
		}
	}
}

func median(list []float64) float64 {
	list = slices.Sorted(slices.Values(list))
	return list[len(list)/2]
}

// most is how many requests a second the gateway answers, with the load and the
// upstream on the same machine.
func (g *gateway) most(b *browser, lasts time.Duration) float64 {
	g.t.Helper()
	l := g.load(b, 16, 0)
	began := time.Now()
	time.Sleep(lasts) // it is measured how much is done in a while
	l.end()
	return float64(l.good.Load()) / time.Since(began).Seconds()
}

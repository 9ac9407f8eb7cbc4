package app_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/wayleave/wayleave/examples/financetracker/app"
)

func TestListen(t *testing.T) {
	ln, address, err := app.Listen("localhost:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	_, port, _ := net.SplitHostPort(ln.Addr().String())
	if want := "http://localhost:" + port; address != want {
		t.Errorf("address %s, want %s", address, want)
	}
	_, _, err = app.Listen("localhost:" + port)
	want := "port " + port + " is in use; stop the other program or use --listen localhost:"
	if err == nil || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("got  %v\nwant %s…", err, want)
	}
}

func TestAPortThatIsTakenAtTheOtherAddressOfLocalhostIsInUse(t *testing.T) {
	other, err := net.Listen("tcp", "[::1]:0")
	if err != nil {
		t.Log("no IPv6 here, and so nobody to be confused with")
		return
	}
	defer other.Close()
	_, port, _ := net.SplitHostPort(other.Addr().String())
	if _, _, err := app.Listen("localhost:" + port); err == nil || !strings.Contains(err.Error(), "is in use") {
		t.Errorf("got %v", err)
	}
}

func TestServeFinishesWhatItBegan(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	ln, address, err := app.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	slow := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		stop() // the end is asked for while this request is under way
		for {
			conn, err := net.Dial("tcp", ln.Addr().String())
			if err != nil {
				break // nobody new is let in
			}
			conn.Close()
		}
		_, _ = io.WriteString(w, "done")
	})
	go func() { ended <- app.Serve(ctx, app.Site{Listener: ln, Handler: slow}) }()
	resp, err := http.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if body, err := io.ReadAll(resp.Body); err != nil || string(body) != "done" {
		t.Errorf("got %q, %v", body, err)
	}
	if err := <-ended; err != nil {
		t.Errorf("Serve ended with %v", err)
	}
}

func TestServeEndsAllWhenOneFails(t *testing.T) {
	good, _, err := app.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	bad, _, err := app.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	bad.Close()
	none := http.NotFoundHandler()
	if err := app.Serve(t.Context(), app.Site{Listener: good, Handler: none}, app.Site{Listener: bad, Handler: none}); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Serve ended with %v, want the failure of the second listener", err)
	}
}

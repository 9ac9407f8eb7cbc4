package app

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"sync"
	"syscall"
	"time"
)

// Listen opens an address such as "localhost:8000", port 0 meaning any free
// one, and returns the URL that leads there. The error for a port that is in
// use names the cure, for a command with a --listen flag.
func Listen(addr string) (ln net.Listener, baseURL string, err error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, "", fmt.Errorf("listen address %q: want host:port, such as localhost:8000", addr)
	}
	if ln, err = net.Listen("tcp", addr); err == nil && host == "localhost" {
		err = otherLocalhost(ln)
	}
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, "", fmt.Errorf("port %s is in use; stop the other program or use --listen %s", port, net.JoinHostPort(host, nextPort(port)))
	}
	if err != nil {
		return nil, "", fmt.Errorf("cannot listen on %s: %w", addr, err)
	}
	_, port, _ = net.SplitHostPort(ln.Addr().String())
	return ln, "http://" + net.JoinHostPort(host, port), nil
}

// otherLocalhost makes sure that nobody else has the port at the other address
// of localhost. Browsers try ::1 first, and would end there.
func otherLocalhost(ln net.Listener) error {
	_, port, _ := net.SplitHostPort(ln.Addr().String())
	other, err := net.Listen("tcp", net.JoinHostPort("::1", port))
	if errors.Is(err, syscall.EADDRINUSE) {
		ln.Close()
		return err
	}
	if err == nil {
		other.Close()
	}
	return nil // without IPv6 there is nobody to be confused with
}

func nextPort(port string) string {
	n, err := strconv.Atoi(port)
	if err != nil || n >= 65535 {
		return "8001"
	}
	return strconv.Itoa(n + 1)
}

// Site is a handler and where it is served.
type Site struct {
	Listener net.Listener
	Handler  http.Handler
}

// grace is how long requests may go on after the end was asked for.
const grace = 5 * time.Second

// Serve serves all sites until ctx ends, and then lets requests under way
// finish. If one site fails, all end, and the error is returned.
func Serve(ctx context.Context, sites ...Site) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	failures := make(chan error, len(sites))
	var running sync.WaitGroup
	for _, site := range sites {
		server := &http.Server{Handler: site.Handler, ReadHeaderTimeout: 10 * time.Second}
		running.Go(func() {
			if err := server.Serve(site.Listener); !errors.Is(err, http.ErrServerClosed) {
				failures <- err
				cancel()
			}
		})
		running.Go(func() {
			<-ctx.Done()
			last, stop := context.WithTimeout(context.WithoutCancel(ctx), grace)
			defer stop()
			if server.Shutdown(last) != nil {
				server.Close()
			}
		})
	}
	running.Wait()
	select {
	case err := <-failures:
		return err
	default:
		return nil
	}
}

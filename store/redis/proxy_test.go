package redis_test

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"strconv"
	"sync"
	"testing"
)

// proxy stands between a store and its server and can change what the server
// answers.
type proxy struct {
	listener net.Listener
	server   string
	mu       sync.Mutex
	change   func(e exchange) []byte // nil: nothing; returns nil to cut the connection
	count    int
	open     sync.WaitGroup
}

// exchange is a command and what the server answered.
type exchange struct {
	connection int // counted from 1
	command    []string
	answer     []byte
}

func newProxy(t testing.TB, server string) *proxy {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{listener: ln, server: server}
	p.open.Go(func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			p.mu.Lock()
			p.count++
			n := p.count
			p.mu.Unlock()
			p.open.Go(func() { p.serve(n, conn) })
		}
	})
	t.Cleanup(func() {
		ln.Close()
		p.open.Wait() // each connection ends with the store's
	})
	return p
}

func (p *proxy) url() string { return "redis://" + p.listener.Addr().String() }

// answer makes the proxy change what comes from now on.
func (p *proxy) answer(change func(e exchange) []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.change = change
}

// connections is how many there have been.
func (p *proxy) connections() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.count
}

func (p *proxy) serve(n int, client net.Conn) {
	defer client.Close()
	server, err := net.Dial("tcp", p.server)
	if err != nil {
		return
	}
	commands := make(chan []string, 10_000)
	var wg sync.WaitGroup
	wg.Go(func() {
		defer server.Close()
		defer close(commands)
		for in := bufio.NewReader(client); ; {
			raw, words, err := readMessage(in)
			if err != nil {
				return
			}
			commands <- words
			if _, err := server.Write(raw); err != nil {
				return
			}
		}
	})
	for in := bufio.NewReader(server); ; {
		raw, _, err := readMessage(in)
		if err != nil {
			break
		}
		p.mu.Lock()
		if p.change != nil {
			raw = p.change(exchange{n, <-commands, raw})
		} else {
			<-commands
		}
		p.mu.Unlock()
		if raw == nil {
			break
		}
		if _, err := client.Write(raw); err != nil {
			break
		}
	}
	client.Close()
	server.Close()
	wg.Wait()
}

// readMessage reads one message of the protocol: as it stands, and the strings
// at its first level.
func readMessage(in *bufio.Reader) (raw []byte, words []string, err error) {
	line, err := in.ReadBytes('\n')
	if err != nil {
		return nil, nil, err
	}
	n, _ := strconv.Atoi(string(bytes.TrimSpace(line[1:])))
	switch line[0] {
	case '$', '=', '!':
		if n < 0 {
			return line, nil, nil
		}
		blob := make([]byte, n+2)
		_, err := io.ReadFull(in, blob)
		return append(line, blob...), []string{string(blob[:n])}, err
	case '%', '|':
		n *= 2
	case '*', '~', '>':
	default:
		return line, []string{string(bytes.TrimSpace(line[1:]))}, nil
	}
	for range n {
		part, inner, err := readMessage(in)
		if err != nil {
			return nil, nil, err
		}
		line, words = append(line, part...), append(words, inner...)
	}
	return line, words, nil
}

//go:build linux

package main

import (
	"bufio"
	"bytes"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// everyBrowser is what a browser sends besides, about 300 bytes.
var everyBrowser = []string{"User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0", "Accept-Language: en-GB,en;q=0.7,de;q=0.3",
	"Accept-Encoding: gzip, deflate, br, zstd", "DNT: 1", "Sec-GPC: 1", "Upgrade-Insecure-Requests: 1", "Priority: u=0, i"}

// person and script are how people and scripts ask.
var (
	person = []string{"Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "Sec-Fetch-Dest: document", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Site: none", "Sec-Fetch-User: ?1"}
	script = []string{"Accept: application/json", "Sec-Fetch-Dest: empty", "Sec-Fetch-Mode: cors", "Sec-Fetch-Site: same-origin"}
)

func get(target, host string, header []string) []byte {
	lines := slices.Concat([]string{"GET " + target + " HTTP/1.1", "Host: " + host}, everyBrowser, header)
	return []byte(strings.Join(lines, "\r\n") + "\r\n\r\n")
}

// wire is a connection.
type wire struct {
	net.Conn
	r *bufio.Reader
}

func dial(address string) (*wire, error) {
	c, err := net.Dial("tcp", address)
	if err != nil {
		return nil, err
	}
	return &wire{c, bufio.NewReaderSize(c, 16<<10)}, nil
}

// reader asks for the same again and again, and reads no more of an answer than
// it must.
type reader struct {
	*wire
	request []byte
	want    int
}

// once makes a request; the answer has to have the status, and tell its length.
func (r *reader) once() error {
	if _, err := r.Write(r.request); err != nil {
		return err
	}
	status, length := 0, -1
	for {
		line, err := r.r.ReadSlice('\n')
		if err != nil {
			return fmt.Errorf("read the answer: %w", err)
		}
		switch {
		case status == 0:
			if len(line) < 12 {
				return fmt.Errorf("answer begins with %q", line)
			}
			status, _ = strconv.Atoi(string(line[9:12]))
			continue
		case len(line) > 16 && bytes.EqualFold(line[:15], []byte("Content-Length:")):
			length, _ = strconv.Atoi(string(bytes.TrimSpace(line[15:])))
			continue
		case len(line) > 2:
			continue
		}
		break
	}
	if length < 0 {
		return fmt.Errorf("the answer (%d) does not tell its length", status)
	}
	if _, err := r.r.Discard(length); err != nil {
		return err
	}
	if status != r.want {
		return fmt.Errorf("answered %d, want %d", status, r.want)
	}
	return nil
}

// open makes a request and reads the answer whole.
func (w *wire) open(target, host string, header []string) (*http.Response, error) {
	if _, err := w.Write(get(target, host, header)); err != nil {
		return nil, err
	}
	resp, err := http.ReadResponse(w.r, nil)
	if err != nil {
		return nil, fmt.Errorf("%s%s: %w", host, target, err)
	}
	return resp, resp.Body.Close() // which reads what is left
}

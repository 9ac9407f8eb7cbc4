package gateway_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"net/textproto"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// elsewhere starts another upstream, by HTTP/2 without TLS if h2c.
func elsewhere(t testing.TB, h http.HandlerFunc, h2c bool) string {
	t.Helper()
	s := httptest.NewUnstartedServer(h)
	if h2c {
		s.Config.Protocols = new(http.Protocols)
		s.Config.Protocols.SetUnencryptedHTTP2(true)
	}
	s.Start()
	t.Cleanup(s.Close)
	return strings.TrimPrefix(s.URL, "http://")
}

// h2c is a client that speaks HTTP/2 without TLS.
func h2c(t testing.TB) *http.Client {
	transport := &http.Transport{Protocols: new(http.Protocols)}
	transport.Protocols.SetUnencryptedHTTP2(true)
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: 20 * time.Second}
}

// TestHTTP2AndGRPC: messages go both ways while a call lasts, and its status
// comes in the trailers.
func TestHTTP2AndGRPC(t *testing.T) {
	var seen atomic.Pointer[http.Request]
	up := elsewhere(t, func(w http.ResponseWriter, r *http.Request) {
		seen.Store(r.Clone(context.Background()))
		w.Header().Set("Content-Type", "application/grpc")
		w.Header().Set("Trailer", "Grpc-Status")
		rc := http.NewResponseController(w)
		rc.Flush()
		line := bufio.NewScanner(r.Body)
		for line.Scan() {
			fmt.Fprintf(w, "%s!\n", line.Text())
			rc.Flush()
		}
		seen.Load().Trailer = r.Trailer.Clone()
		w.Header().Set("Grpc-Status", "0")
		w.Header().Set(http.TrailerPrefix+"Grpc-Message", "fine")
	}, true)
	g := start(t, setup{routes: "\n  - {path: /public, upstream: \"h2c://" + up + "\", allow: public}\n  - {path: /, upstream: \"h2c://" + up + "/\", allow: signed_in}\n"})
	grace := g.browser()
	grace.signIn("grace", "/")
	body, say := io.Pipe()
	r, _ := http.NewRequest("POST", g.base+"/shop.Cart/Add", body)
	r.Header = http.Header{"Content-Type": {"application/grpc"}, "Te": {"trailers"}, "Cookie": {grace.cookies()}}
	r.Trailer = http.Header{"X-Wayleave-User": {"evil"}, "Other": {"x"}}
	resp, err := h2c(t).Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	heard := bufio.NewReader(resp.Body)
	for _, message := range []string{"one", "two"} {
		fmt.Fprintln(say, message)
		if got, err := heard.ReadString('\n'); got != message+"!\n" {
			t.Fatalf("%q, %v", got, err)
		}
	}
	say.Close()
	io.Copy(io.Discard, heard)
	if resp.ProtoMajor != 2 || resp.Trailer.Get("Grpc-Status") != "0" || resp.Trailer.Get("Grpc-Message") != "fine" {
		t.Errorf("%s %d, trailers %v", resp.Proto, resp.StatusCode, resp.Trailer)
	}
	got := seen.Load()
	if got.ProtoMajor != 2 || got.Header.Get("Te") != "trailers" || got.Header.Get("X-Wayleave-Subject") != "grace" || got.URL.Path != "/shop.Cart/Add" || len(got.Trailer) > 0 {
		t.Errorf("A144 the upstream got %s %s, trailers %v, %v", got.Proto, got.URL, got.Trailer, got.Header)
	}
	t.Run("nobody", func(t *testing.T) {
		r, _ := http.NewRequest("POST", g.base+"/shop.Cart/Add", strings.NewReader("x"))
		r.Header.Set("Content-Type", "application/grpc")
		if resp, err := h2c(t).Do(r); err != nil || resp.StatusCode != 401 {
			t.Errorf("%v %v", resp, err)
		}
	})
	t.Run("A144 A158 what HTTP/2 does not permit", func(t *testing.T) {
		plain := [][2]string{{":method", "POST"}, {":scheme", "http"}, {":authority", g.listen}, {":path", "/public"}}
		for name, tc := range map[string]struct {
			fields [][2]string
			want   string // status, or "refused"
		}{
			"nothing of it":                  {plain, "200"},
			"a name in upper case":           {append(plain[:4:4], [2]string{"X-Wayleave-User", "evil"}), "refused"},
			"a line break in a value":        {append(plain[:4:4], [2]string{"x", "a\r\nx-wayleave-user: evil"}), "refused"},
			"a line break in a name":         {append(plain[:4:4], [2]string{"x\r\ny", "a"}), "refused"},
			"a coding of HTTP/1.1":           {append(plain[:4:4], [2]string{"transfer-encoding", "chunked"}), "refused"},
			"a header of the connection":     {append(plain[:4:4], [2]string{"connection", "x-wayleave-user"}), "refused"},
			"a length that is not true":      {append(plain[:4:4], [2]string{"content-length", "5"}), "200"}, // and goes on as 0
			"two paths":                      {append(plain[:4:4], [2]string{":path", "/private"}), "refused"},
			"a pseudo-header after a header": {append(plain[:3:3], [2]string{"x", "y"}, plain[3]), "refused"},
			"an unknown pseudo-header":       {append(plain[:4:4], [2]string{":evil", "x"}), "refused"},
			"a path with a blank":            {append(plain[:3:3], [2]string{":path", "/public HTTP/1.1\r\nX: y"}), "refused"},
			"an absolute path":               {append(plain[:3:3], [2]string{":path", "http://evil.example/public"}), "refused"},
			"A113 another authority":         {[][2]string{plain[0], plain[1], {":authority", "evil.example"}, plain[3]}, "421"},
			"A113 another host beside it":    {append(plain[:4:4], [2]string{"host", "evil.example"}), "200"}, // the authority counts, and goes on alone
		} {
			seen.Store(nil)
			got := g.h2(t, tc.fields)
			if got != tc.want && !(tc.want == "refused" && strings.HasPrefix(got, "4")) {
				t.Errorf("%s: %s, want %s", name, got, tc.want)
			}
			r := seen.Load()
			if (r != nil) != (tc.want == "200") || r != nil && (r.Host != g.listen || r.Header.Get("X-Wayleave-User") != "" || r.ContentLength != 0) {
				t.Errorf("%s: the upstream got %v", name, r)
			}
		}
	})
	t.Run("A258 a client that resets all its requests", func(t *testing.T) {
		client := h2c(t)
		for range 300 {
			ctx, cancel := context.WithCancel(t.Context())
			r, _ := http.NewRequestWithContext(ctx, "GET", g.base+"/private", nil)
			r = r.WithContext(httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{WroteRequest: func(httptrace.WroteRequestInfo) { cancel() }}))
			if resp, err := client.Do(r); err == nil {
				resp.Body.Close()
			}
			cancel()
		}
		if at := g.browser().ask("GET", "/private"); at.StatusCode != 401 {
			t.Errorf("somebody else: %d", at.StatusCode)
		}
	})
}

// h2 sends one request by HTTP/2, field by field as it stands, and returns its
// status, or "refused".
func (g *gateway) h2(t testing.TB, fields [][2]string) string {
	t.Helper()
	conn, err := net.Dial("tcp", g.listen)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(5 * time.Second))
	var block bytes.Buffer
	for _, f := range fields { // RFC 7541 section 6.2.2: a literal without indexing, with a new name
		block.WriteByte(0)
		for _, text := range f {
			block.WriteByte(byte(len(text))) // all are shorter than 127
			block.WriteString(text)
		}
	}
	frame := func(kind, flags, stream byte, payload []byte) {
		conn.Write(append([]byte{0, byte(len(payload) >> 8), byte(len(payload)), kind, flags, 0, 0, 0, stream}, payload...))
	}
	io.WriteString(conn, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
	frame(4, 0, 0, nil)
	frame(1, 5, 1, block.Bytes()) // HEADERS: the end of the header and of the stream
	r := bufio.NewReader(conn)
	for {
		head := make([]byte, 9)
		if _, err := io.ReadFull(r, head); err != nil {
			return "refused"
		}
		payload := make([]byte, int(head[0])<<16|int(head[1])<<8|int(head[2]))
		io.ReadFull(r, payload)
		switch head[3] {
		case 3, 7: // RST_STREAM, GOAWAY
			return "refused"
		case 1:
			return statusOf(payload)
		}
	}
}

// statusOf reads :status, which stands first: indexed, or a literal.
func statusOf(block []byte) string {
	if i := slices.Index([]byte{0x88, 0x89, 0x8a, 0x8b, 0x8c, 0x8d, 0x8e}, block[0]); i >= 0 {
		return []string{"200", "204", "206", "304", "400", "404", "500"}[i]
	}
	for _, status := range []string{"401", "403", "405", "413", "421", "431", "502", "503"} {
		// Go writes a status that is not in the table with Huffman's code or without.
		if bytes.Contains(block[:min(8, len(block))], []byte(status)) {
			return status
		}
	}
	// 421 in Huffman's code (RFC 7541 appendix B): 011010 00010 00001, and ones.
	if bytes.Contains(block[:min(8, len(block))], []byte{0b01101000, 0b01000001}) {
		return "421"
	}
	return fmt.Sprintf("%x", block[:min(8, len(block))])
}

// TestUpstreams: a unix socket, and TLS, which is verified.
func TestPRX22_Upstreams(t *testing.T) {
	ca := newAuthority(t)
	secure := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "%s %s %s", r.Proto, r.Host, r.URL)
	}))
	secure.TLS = &tls.Config{Certificates: []tls.Certificate{ca.server(t.TempDir())}, NextProtos: []string{"h2", "http/1.1"}}
	secure.EnableHTTP2 = true
	secure.StartTLS()
	defer secure.Close()
	port := secure.Listener.Addr().(*net.TCPAddr).Port
	var socket net.Listener
	g := startAs(t, newIDP(t), func(g *gateway) setup {
		ca.server(g.dir)
		var err error
		if socket, err = net.Listen("unix", filepath.Join(g.dir, "app.sock")); err != nil {
			t.Fatal(err)
		}
		return setup{routes: fmt.Sprintf(`
  - {path: /unix, upstream: "unix:%[1]s/app.sock", allow: public}
  - {path: /trusted, upstream: {url: "https://127.0.0.1:%[2]d", ca_file: ca.pem}, allow: public}
  - {path: /name, upstream: {url: "https://localhost:%[2]d", ca_file: ca.pem, pass_host: false}, allow: public}
  - {path: /unknown, upstream: "https://127.0.0.1:%[2]d", allow: public}
  - {path: /wrong, upstream: {url: "https://127.0.0.2:%[2]d", ca_file: ca.pem}, allow: public}
  - {path: /, upstream: UPSTREAM, allow: signed_in}
`, g.dir, port)}
	})
	app := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprintf(w, "socket %s %s", r.Host, r.URL) })}
	go app.Serve(socket)
	defer app.Close()
	b := g.browser()
	for path, want := range map[string]string{
		"/unix/x?y": "socket " + g.listen + " /unix/x?y", "/trusted": "HTTP/2.0 " + g.listen + " /trusted", "/name": fmt.Sprintf("HTTP/2.0 localhost:%d /name", port),
	} {
		if at := b.ask("GET", path); at.StatusCode != 200 || at.body != want {
			t.Errorf("%s: %d %q, want %q", path, at.StatusCode, at.body, want)
		}
	}
	for _, path := range []string{"/unknown", "/wrong"} {
		if at := b.ask("GET", path); at.StatusCode != 502 || strings.Contains(at.body, "x509") {
			t.Errorf("%s: %d %s", path, at.StatusCode, at.body)
		}
	}
}

// TestWhatGoesThrough: the parts of HTTP that an app uses come out as they went in.
func TestWhatGoesThrough(t *testing.T) {
	g := start(t, setup{})
	grace := g.browser()
	grace.signIn("grace", "/")
	host := "Host: " + g.listen + "\r\nCookie: " + grace.cookies() + "\r\n"
	t.Run("events are passed on at once", func(t *testing.T) {
		g.answerWith(talks)
		c, resp, err := g.hold("/events", "Cookie: "+grace.cookies()+"\r\n")
		if err != nil || resp.StatusCode != 200 {
			t.Fatalf("%v %v", resp, err)
		}
		defer c.Close()
		c.SetReadDeadline(time.Now().Add(5 * time.Second))
		// The app is still talking: what it said has come all the same.
		if line, err := bufio.NewReader(resp.Body).ReadString('\n'); line != "data: hello\n" {
			t.Errorf("%q %v", line, err)
		}
	})
	t.Run("103 and trailers", func(t *testing.T) {
		g.answerWith(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Link", "</style.css>; rel=preload")
			w.WriteHeader(http.StatusEarlyHints)
			w.Header().Set("Trailer", "X-Sum")
			w.WriteHeader(http.StatusOK)
			io.WriteString(w, "page")
			w.Header().Set("X-Sum", "42")
			w.Header().Set(http.TrailerPrefix+"X-Late", "43")
		})
		var hints http.Header
		r, _ := http.NewRequestWithContext(httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{Got1xxResponse: func(status int, h textproto.MIMEHeader) error {
			if status == http.StatusEarlyHints {
				hints = http.Header(h).Clone()
			}
			return nil
		}}), "GET", g.base+"/page", nil)
		resp, err := grace.client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if resp.StatusCode != 200 || string(body) != "page" || hints.Get("Link") != "</style.css>; rel=preload" || resp.Trailer.Get("X-Sum") != "42" || resp.Trailer.Get("X-Late") != "43" {
			t.Errorf("%d %q, hints %v, trailers %v", resp.StatusCode, body, hints, resp.Trailer)
		}
	})
	t.Run("HEAD, ranges and conditions", func(t *testing.T) {
		content := strings.Repeat("0123456789", 100)
		g.answerWith(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Etag", `"one"`)
			http.ServeContent(w, r, "x.txt", time.Time{}, strings.NewReader(content))
		})
		if at := grace.ask("HEAD", "/x.txt"); at.StatusCode != 200 || at.body != "" || at.ContentLength != 1000 {
			t.Errorf("HEAD: %d, %d bytes", at.StatusCode, at.ContentLength)
		}
		if at := grace.ask("GET", "/x.txt", "Range", "bytes=5-9"); at.StatusCode != 206 || at.body != "56789" || at.Header.Get("Content-Range") != "bytes 5-9/1000" {
			t.Errorf("a range: %d %q", at.StatusCode, at.body)
		}
		if at := grace.ask("GET", "/x.txt", "If-None-Match", `"one"`); at.StatusCode != 304 || at.body != "" {
			t.Errorf("a condition: %d", at.StatusCode)
		}
		if at := grace.ask("GET", "/x.txt", "Accept-Encoding", "identity"); at.body != content {
			t.Errorf("%d bytes", len(at.body))
		}
	})
	t.Run("HTTP/1.0", func(t *testing.T) {
		g.answerWith(func(w http.ResponseWriter, r *http.Request) {
			io.WriteString(w, "part")
			http.NewResponseController(w).Flush()
			io.WriteString(w, "part")
		})
		answers := g.send("GET /page HTTP/1.0\r\n" + host + "\r\n")
		if len(answers) != 1 || answers[0].StatusCode != 200 || answers[0].body != "partpart" || len(answers[0].TransferEncoding) > 0 || !answers[0].Close {
			t.Errorf("%+v", answers)
		}
	})
	t.Run("methods, empty bodies and bodies of GET", func(t *testing.T) {
		g.answerWith(nil)
		for _, tc := range []struct{ raw, method, body string }{
			{"PROPFIND /x HTTP/1.1\r\n" + host + "Depth: 1\r\n", "PROPFIND", ""},
			{"GET /x HTTP/1.1\r\n" + host + "Content-Length: 2\r\n", "GET", "hi"},
			{"POST /x HTTP/1.1\r\n" + host + "Content-Length: 0\r\n", "POST", ""},
		} {
			g.up.taken()
			g.send(tc.raw + "Connection: close\r\n\r\n" + tc.body)
			if r := g.only(); r.Method != tc.method || r.Body != tc.body {
				t.Errorf("the upstream got %+v", r)
			}
		}
	})
	t.Run("A352 a body that breaks off", func(t *testing.T) {
		for _, header := range []string{"Content-Length: 1000\r\n", "Transfer-Encoding: chunked\r\n"} {
			ended := make(chan error, 1)
			up := elsewhere(t, func(w http.ResponseWriter, r *http.Request) {
				_, err := io.Copy(io.Discard, r.Body)
				ended <- err
			}, false)
			g.reload(setup{routes: "\n  - {path: /broken, upstream: \"http://" + up + "\", allow: public}" + defaultRoutes})
			c := g.talk(t)
			c.say("POST /broken HTTP/1.1\r\nHost: %s\r\n%s\r\n5\r\nhello\r\n", g.listen, header)
			c.Close()
			select {
			case err := <-ended:
				if err == nil {
					t.Errorf("%sthe upstream took it for a whole one", header)
				}
			case <-time.After(10 * time.Second):
				t.Error("the upstream still waits")
			}
		}
	})
	t.Run("A352 an answer that breaks off", func(t *testing.T) {
		g.answerWith(func(w http.ResponseWriter, r *http.Request) {
			io.WriteString(w, "half")
			http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		})
		resp, err := grace.client.Get(g.base + "/page")
		if err != nil {
			t.Fatal(err)
		}
		if body, err := io.ReadAll(resp.Body); err == nil {
			t.Errorf("the client took %q for a whole one", body)
		}
		resp.Body.Close()
	})
}

// TestA238_LargeBodiesAreNotKept: they go through in pieces, both ways.
func TestA238_LargeBodiesAreNotKept(t *testing.T) {
	const size = 96 << 20
	var got atomic.Int64
	up := elsewhere(t, func(w http.ResponseWriter, r *http.Request) {
		n, _ := io.Copy(io.Discard, r.Body)
		got.Store(n)
		w.Header().Set("Content-Type", "application/octet-stream")
		if r.Method == "GET" {
			io.Copy(w, io.LimitReader(zeros{}, size))
		}
	}, false)
	g := start(t, setup{routes: "\n  - {path: /, upstream: \"http://" + up + "\", allow: public, max_body: 100MiB}\n"})
	g.browser().ask("GET", "/warm")
	before := g.memory()
	var most int64
	for _, tc := range []struct{ method, kind string }{{"GET", ""}, {"POST", "known"}, {"POST", "chunks"}} {
		var body io.Reader
		if tc.method == "POST" {
			body = io.LimitReader(zeros{}, size)
		}
		r, _ := http.NewRequest(tc.method, g.base+"/large", body)
		if tc.kind == "known" {
			r.ContentLength = size
		}
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		n, err := io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
		if tc.method == "GET" && (n != size || err != nil) || tc.method == "POST" && got.Load() != size {
			t.Errorf("%s %s: %d bytes down (%v), %d up", tc.method, tc.kind, n, err, got.Load())
		}
		most = max(most, g.memory()-before)
	}
	t.Logf("%d MiB each way: %d KiB more memory", size>>20, most>>10)
	if most > size/3 {
		t.Errorf("%d KiB more memory", most>>10)
	}
}

// zeros are bytes without end.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

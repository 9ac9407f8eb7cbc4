package serving

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"os"
	"sync"
	"time"
)

// certificateAge is how old what we know of the files may be.
const certificateAge = 2 * time.Second

// Certificates is a certificate with its key, from files that may change. It is
// safe for concurrent use. All of its users get the new pair with the first
// handshake 2 s after the change, or with [Certificates.Reload].
type Certificates struct {
	certFile, keyFile string
	changed           func(error)

	reading sync.Mutex // held while the files are read
	mu      sync.Mutex
	pair    *tls.Certificate
	text    [2][]byte // what pair was made of
	refused [2][]byte // what could not be used, so that it is told once
	checked time.Time
}

// LoadCertificates reads PEM files; the certificate's has the whole chain.
// changed, unless nil, is told of each later change: with nil that a new pair is
// in use, or with an error why the old one stays.
func LoadCertificates(certFile, keyFile string, changed func(error)) (*Certificates, error) {
	if changed == nil {
		changed = func(error) {}
	}
	c := &Certificates{certFile: certFile, keyFile: keyFile, changed: func(error) {}}
	if err := c.Reload(); err != nil {
		return nil, err
	}
	c.changed = changed
	return c, nil
}

// Config is for servers: TLS 1.2 at least, HTTP/2 and HTTP/1.1.
func (c *Certificates) Config() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12,
		NextProtos: []string{"h2", "http/1.1"},
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			return c.current(), nil
		},
	}
}

func (c *Certificates) current() *tls.Certificate {
	c.mu.Lock()
	old, fresh := c.pair, time.Since(c.checked) < certificateAge
	c.mu.Unlock()
	// One handshake reads the files, the others need not wait for it.
	if fresh || !c.reading.TryLock() {
		return old
	}
	defer c.reading.Unlock()
	c.read() // which has told of an error
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.pair
}

// Reload reads the files now. After an error the old pair stays in use.
func (c *Certificates) Reload() error {
	c.reading.Lock()
	defer c.reading.Unlock()
	return c.read()
}

func (c *Certificates) read() error {
	text, err := c.files()
	var pair tls.Certificate
	changed := true
	if err == nil {
		if changed = !same(text, c.text); changed {
			pair, err = tls.X509KeyPair(text[0], text[1])
		}
	}
	if err != nil {
		err = fmt.Errorf("certificate %s with key %s: %w", c.certFile, c.keyFile, err)
	}
	c.mu.Lock()
	c.checked = time.Now()
	if err == nil && changed {
		c.pair = &pair
	}
	c.mu.Unlock()
	// The rest belongs to who holds reading.
	tell := changed
	if err == nil {
		c.text, c.refused = text, [2][]byte{}
	} else {
		tell = c.refused[0] == nil || !same(text, c.refused)
		c.refused = text
	}
	if tell {
		c.changed(err)
	}
	return err
}

// files never returns nil for a file, so that a missing one is remembered, too.
func (c *Certificates) files() (text [2][]byte, err error) {
	for i, name := range []string{c.certFile, c.keyFile} {
		text[i] = []byte{}
		if content, readErr := os.ReadFile(name); readErr != nil {
			err = readErr
		} else {
			text[i] = content
		}
	}
	return text, err
}

func same(a, b [2][]byte) bool { return bytes.Equal(a[0], b[0]) && bytes.Equal(a[1], b[1]) }

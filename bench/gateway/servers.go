//go:build linux

package main

import (
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"time"
)

// backend is the app behind: 1 KB for whatever is asked.
func backend(address string) error {
	body := []byte(strings.Repeat("0123456789abcde\n", 64))
	return http.ListenAndServe(address, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		h := w.Header()
		h["Content-Type"] = []string{"text/html; charset=utf-8"}
		h["Cache-Control"] = []string{"no-store"}
		w.Write(body)
	}))
}

// bare is the yardstick: the standard library's proxy with the gateway's
// transport, and nothing else.
func bare(address, upstream string, pooled bool) error {
	to := &url.URL{Scheme: "http", Host: upstream}
	return http.ListenAndServe(address, plainProxy(to, pooled))
}

// plainProxy has the same transport as the gateway, and buffers that are used
// again if they are pooled.
func plainProxy(to *url.URL, pooled bool) *httputil.ReverseProxy {
	p := &httputil.ReverseProxy{
		Rewrite: func(pr *httputil.ProxyRequest) {
			pr.SetURL(to)
			pr.SetXForwarded()
			pr.Out.Host = pr.In.Host
		},
		Transport: &http.Transport{
			MaxIdleConnsPerHost: 1024, IdleConnTimeout: 90 * time.Second, ResponseHeaderTimeout: time.Minute,
			DisableCompression: true, ReadBufferSize: 8 << 10, WriteBufferSize: 8 << 10,
		},
	}
	if pooled {
		p.BufferPool = &pool{sync.Pool{New: func() any { return new([32 << 10]byte) }}}
	}
	return p
}

type pool struct{ sync.Pool }

func (p *pool) Get() []byte  { return p.Pool.Get().(*[32 << 10]byte)[:] }
func (p *pool) Put(b []byte) { p.Pool.Put((*[32 << 10]byte)(b)) }

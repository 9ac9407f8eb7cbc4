package oauth2proxy

import (
	"net/netip"
	"net/url"
	"slices"
	"strings"
)

// address finds what browsers see: base_url, and the paths of our own pages.
func (c *conversion) address() {
	c.basePath = "/oauth2"
	if p := strings.TrimSuffix(c.text("proxy-prefix"), "/"); p != "" {
		if !strings.HasPrefix(p, "/") {
			p = "/" + p
		}
		if clean(p) {
			c.basePath = p
		} else {
			c.tell("proxy-prefix", Unknown, "it is not a clean path; base_path is /oauth2, which was their default")
		}
	}
	c.base = &url.URL{Scheme: "https", Host: "app.example.com"}
	u, ok := c.url("redirect-url", "http", "https")
	switch {
	case !ok:
		c.tell("redirect-url", Changed, "the public address is not known from it: replace app.example.com in base_url; it is never taken from requests")
		return
	case u.Scheme == "http" && !loopback(u.Hostname()):
		c.tell("redirect-url", Changed, "the public address has to be https, but on this machine: base_url is; register that redirect URI")
		u.Scheme = "https"
	}
	host := strings.TrimSuffix(strings.ToLower(u.Host), ":")
	c.base = &url.URL{Scheme: u.Scheme, Host: strings.TrimSuffix(host, map[string]string{"https": ":443", "http": ":80"}[u.Scheme])}
}

// callback is the path of the redirect URI, which stays as it is registered.
func (c *conversion) callback() string {
	if u, err := url.Parse(c.text("redirect-url")); err == nil && strings.Trim(u.Path, "/") != "" {
		if p := u.EscapedPath(); clean(p) && !strings.HasSuffix(p, "/") && !strings.HasSuffix(p, "/login") {
			return p
		}
		c.tell("redirect-url", Changed, "its path is not one that can be served: register the redirect URI that base_url and callback_path make")
	}
	return c.basePath + "/callback"
}

// url reads an option that is an absolute URL, without what could be a secret.
func (c *conversion) url(flag string, schemes ...string) (*url.URL, bool) {
	raw := c.text(flag)
	if raw == "" {
		return nil, false
	}
	u, err := url.Parse(raw)
	if err != nil || u.Hostname() == "" || !slices.Contains(schemes, u.Scheme) || !plainHost(u.Host) {
		return nil, false
	}
	if u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		c.tell(flag, Changed, "user, query and fragment of the address are left out")
	}
	return &url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path, RawPath: u.RawPath}, true
}

// endpoint returns such a URL as text, or tells why there is none.
func (c *conversion) endpoint(flag string) string {
	if !c.has(flag) {
		return ""
	}
	u, ok := c.url(flag, "http", "https")
	if !ok {
		c.tell(flag, Unknown, "it is not an absolute address, and is left out")
		return ""
	}
	if u.Scheme == "http" && !slices.Contains(c.insecure, u.Hostname()) {
		c.insecure = append(c.insecure, u.Hostname())
	}
	return u.String()
}

func loopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback() || host == "localhost" || strings.HasSuffix(host, ".localhost")
}

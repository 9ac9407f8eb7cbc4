package oauth2proxy

import (
	"cmp"
	"net"
	"net/netip"
	"net/url"
	"path"
	"regexp"
	"strconv"
	"strings"
)

// listener returns our address for theirs, and chooses that of health.
func (c *conversion) listener() string {
	flag := "http-address"
	address := cmp.Or(c.text(flag), "127.0.0.1:4180")
	if c.has("tls-cert-file") || c.has("tls-key-file") {
		flag = "https-address"
		address = cmp.Or(c.text(flag), ":443")
	}
	c.health = "127.0.0.1:8002"
	if a := c.text("metrics-address"); a != "" {
		if hostPort(a) {
			c.health = a
		} else {
			c.tell("metrics-address", Unknown, "it is not HOST:PORT; health is %s", c.health)
		}
	}
	address = strings.TrimPrefix(strings.TrimPrefix(address, "http://"), "https://")
	lower := strings.ToLower(address)
	switch {
	case strings.HasPrefix(lower, "unix:"):
		if path := "/" + strings.TrimLeft(address[len("unix:"):], "/"); socketPath(path) {
			return "unix:" + path
		}
	case strings.HasPrefix(lower, "fd:"):
		c.tell(flag, Changed, "sockets of the service manager have names: systemd:wayleave.socket is the one of a unit of that name")
		return "systemd:wayleave.socket"
	case hostPort(address):
		if address == c.health {
			c.health = "127.0.0.1:8003"
			c.tell("metrics-address", Changed, "health needs an address of its own: it is %s", c.health)
		}
		return address
	}
	c.tell(flag, Unknown, "it is not HOST:PORT or unix:///PATH; listen is 127.0.0.1:4180, which was their default")
	return "127.0.0.1:4180"
}

func hostPort(address string) bool {
	host, port, err := net.SplitHostPort(address)
	n, err2 := strconv.ParseUint(port, 10, 16)
	_, err3 := netip.ParseAddr(host)
	return err == nil && err2 == nil && n > 0 && strconv.FormatUint(n, 10) == port && (err3 == nil || host == "" || hostName(host))
}

// plainHost: a name or address, and maybe a port.
func plainHost(host string) bool {
	u := url.URL{Host: host}
	if port := u.Port(); port != "" && !hostPort("x:"+port) || strings.HasSuffix(host, ":") {
		return false
	}
	_, err := netip.ParseAddr(u.Hostname())
	return err == nil && !strings.Contains(host, "%") || hostName(u.Hostname())
}

var hostForm = regexp.MustCompile(`^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$`)

func hostName(host string) bool { return len(host) <= 253 && hostForm.MatchString(host) }

func socketPath(p string) bool { return clean(p) && path.Clean(p) == p && len(p) <= 103 && p != "/" }

func (c *conversion) certificate() entries {
	cert, key := c.text("tls-cert-file"), c.text("tls-key-file")
	if cert == "" && key == "" {
		return nil
	}
	if cert == "" || key == "" {
		c.tell("tls-cert-file", Unknown, "a certificate and its key are needed both: one is missing, and written as a guess")
	}
	return entries{{key: "certificate", value: cmp.Or(cert, "/etc/wayleave/tls.crt")}, {key: "key", value: cmp.Or(key, "/etc/wayleave/tls.key")}}
}

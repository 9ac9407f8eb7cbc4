package config

import (
	"net"
	"net/netip"
	"net/url"
	"path"
	"strconv"
	"strings"
)

// address is where to listen.
func address() shape[Address] {
	const what = "an address such as 127.0.0.1:8000, :8000, unix:/path/to.sock or systemd:NAME"
	return scalar(what, pattern(`^(unix:/.+|systemd:[^:]+|[^ ]*:[0-9]+)$`, "127.0.0.1:8000", ":8000", "unix:/run/wayleave/http.sock", "systemd:wayleave"), parseAddress)
}

// socket is where only this machine comes in.
func socket() shape[Address] {
	return scalar("a unix socket such as unix:/run/wayleave/admin.sock", pattern(`^(unix:/.+|systemd:[^:]+)$`, "unix:/run/wayleave/admin.sock"), func(text string) (Address, *fault) {
		a, f := parseAddress(text)
		if f == nil && a.Network == "tcp" {
			return Address{}, &fault{cure: "who reaches this address can end any session, so that it has to be a file with rights"}
		}
		return a, f
	})
}

func parseAddress(text string) (Address, *fault) {
	if name, ok := strings.CutPrefix(text, "unix:"); ok {
		if !strings.HasPrefix(name, "/") || path.Clean(name) != name || len(name) > 103 {
			return Address{}, &fault{cure: "use an absolute path of at most 103 bytes"}
		}
		return Address{"unix", name}, nil
	}
	if name, ok := strings.CutPrefix(text, "systemd:"); ok {
		if name == "" || strings.ContainsAny(name, ":/ ") {
			return Address{}, &fault{cure: "use the FileDescriptorName= of the socket unit"}
		}
		return Address{"systemd", name}, nil
	}
	host, port, err := net.SplitHostPort(text)
	if err != nil {
		if n, err := strconv.ParseUint(text, 10, 16); err == nil {
			return Address{}, &fault{cure: "write :" + strconv.FormatUint(n, 10) + ", or 127.0.0.1:" + strconv.FormatUint(n, 10)}
		}
		return Address{}, &fault{cure: "write host and port"}
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || strconv.FormatUint(n, 10) != port {
		return Address{}, &fault{cure: "a port is a number up to 65535"}
	}
	if _, err := netip.ParseAddr(host); err != nil && host != "" && !isHost(host) {
		return Address{}, &fault{}
	}
	return Address{"tcp", text}, nil
}

// isLocal reports whether only this machine reaches the address.
func (a Address) isLocal() bool {
	if a.Network == "unix" || a.Network == "systemd" { // which says elsewhere what it listens to
		return true
	}
	host, _, err := net.SplitHostPort(a.Address)
	return err == nil && isLoopback(host)
}

func isLoopback(host string) bool {
	if host == "localhost" {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback()
}

func isHost(host string) bool {
	return len(host) <= 253 && host != "" && !strings.HasPrefix(host, ".") && !strings.Contains(host, "..") &&
		strings.Trim(host, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._") == ""
}

// prefix is an address, or a range of them.
func prefix() shape[netip.Prefix] {
	return scalar("an address or a range such as 10.0.0.0/8", pattern(`^[0-9a-fA-F:.]+(/[0-9]+)?$`, "10.0.0.0/8", "127.0.0.1", "fd00::/8"), parsePrefix)
}

func parsePrefix(text string) (netip.Prefix, *fault) {
	if ip, err := netip.ParseAddr(text); err == nil && ip.Zone() == "" {
		return netip.PrefixFrom(ip.Unmap(), ip.Unmap().BitLen()), nil
	}
	p, err := netip.ParsePrefix(text)
	switch {
	case err != nil:
		return p, &fault{}
	case p.Addr().Is4In6():
		return p, &fault{cure: "write the IPv4 range"}
	case p.Masked() != p:
		return p, &fault{cure: "did you mean " + p.Masked().String() + "?"}
	}
	return p, nil
}

// peer is one of trusted_proxies: a range, or all that come by a unix socket.
type peer struct {
	prefix netip.Prefix
	unix   bool
}

func trusted() shape[peer] {
	return scalar("an address or a range such as 10.0.0.0/8, or unix", pattern(`^([0-9a-fA-F:.]+(/[0-9]+)?|unix)$`, "127.0.0.1", "10.0.0.0/8", "unix"), func(text string) (peer, *fault) {
		if text == "unix" {
			return peer{unix: true}, nil
		}
		p, f := parsePrefix(text)
		// 10.0.0.0/8 and fc00::/7 are the largest private ranges.
		if f == nil && (p.Addr().Is4() && p.Bits() < 8 || p.Addr().Is6() && p.Bits() < 7) {
			return peer{}, &fault{"would let anybody speak for others", "list the addresses of the proxies in front"}
		}
		return peer{prefix: p}, f
	})
}

// origin is scheme and host, as browsers write them.
func origin(what string) shape[string] {
	return scalar(what, pattern(`^https?://[^/?#@ ]+/?$`, "https://app.example.com"), func(text string) (string, *fault) {
		u, err := url.Parse(text)
		text = strings.TrimSuffix(text, "/")
		switch {
		case err != nil || u.Scheme != "http" && u.Scheme != "https":
			return "", &fault{}
		case u.User != nil || u.Host == "" || text != u.Scheme+"://"+u.Host || strings.HasSuffix(u.Host, ":"):
			return "", &fault{"must be scheme and host, without user, path, query and fragment", "write it such as https://app.example.com"}
		case u.Scheme == "http" && !isLoopback(u.Hostname()):
			return "", &fault{"is http", "use https; http is for localhost only"}
		case strings.ToLower(u.Host) != u.Host:
			return "", &fault{"has upper-case letters in its host", "write the host in lower case, as browsers do"}
		case u.Scheme == "https" && u.Port() == "443" || u.Scheme == "http" && u.Port() == "80":
			return "", &fault{"has the port that goes without saying", "leave it out, as browsers do"}
		case !strings.Contains(u.Host, "[") && !isHost(u.Hostname()):
			return "", &fault{}
		}
		return text, nil
	})
}

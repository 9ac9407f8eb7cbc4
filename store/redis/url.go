package redis

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"regexp"
	"strconv"
	"strings"
)

// mode is how the servers are arranged.
type mode uint8

const (
	single mode = iota
	sentinel
	cluster
)

// target is what a URL says.
type target struct {
	mode      mode
	tls       bool
	addresses []string // host:port, of the sentinels in that mode
	username  string
	password  string
	db        int

	master                             string
	sentinelUsername, sentinelPassword string

	prefix   string
	replicas int // that must confirm each write
}

// secrets are what no error may contain.
func (t target) secrets() []string { return []string{t.password, t.sentinelPassword} }

var schemes = map[string]target{
	"redis":           {mode: single},
	"rediss":          {mode: single, tls: true},
	"redis+sentinel":  {mode: sentinel, replicas: 1},
	"rediss+sentinel": {mode: sentinel, replicas: 1, tls: true},
	"redis+cluster":   {mode: cluster, replicas: 1},
	"rediss+cluster":  {mode: cluster, replicas: 1, tls: true},
}

// parse reads a URL. Package url would refuse a list of hosts, and its errors
// repeat the password; the errors here repeat nothing that could be a part of
// one that was not encoded well.
func parse(raw string) (target, error) {
	scheme, rest, _ := strings.Cut(raw, "://")
	t, ok := schemes[scheme]
	if !ok {
		return target{}, errors.New("want redis://, redis+sentinel:// or redis+cluster://, or the same with rediss")
	}
	t.prefix = "wayleave"
	authority, tail := rest, ""
	if i := strings.IndexAny(rest, "/?#"); i >= 0 {
		authority, tail = rest[:i], rest[i:]
	}
	if strings.ContainsAny(tail, "@#") {
		return target{}, errors.New("unexpected @ or #: percent-encode what is special in the user, the password and the query")
	}
	path, query, _ := strings.Cut(tail, "?")
	if i := strings.LastIndexByte(authority, '@'); i >= 0 {
		if err := t.user(authority[:i]); err != nil {
			return target{}, err
		}
		authority = authority[i+1:]
	}
	if err := t.hosts(authority); err != nil {
		return target{}, err
	}
	if err := t.query(query); err != nil {
		return target{}, err
	}
	if err := t.path(path); err != nil {
		return target{}, err
	}
	return t, nil
}

func (t *target) user(info string) error {
	name, password, ok := strings.Cut(info, ":")
	if !ok || password == "" {
		return errors.New("before the @ must be user:password or :password")
	}
	var err, err2 error
	t.username, err = url.PathUnescape(name)
	t.password, err2 = url.PathUnescape(password)
	if err != nil || err2 != nil {
		return errors.New("user or password is not percent-encoded correctly")
	}
	return nil
}

func (t *target) hosts(list string) error {
	port := "6379"
	if t.mode == sentinel {
		port = "26379"
	}
	for i, host := range strings.Split(list, ",") {
		address, ok := address(host, port)
		if !ok {
			return fmt.Errorf("host %d is not a host, host:port, [IPv6] or [IPv6]:port", i+1)
		}
		t.addresses = append(t.addresses, address)
	}
	if t.mode == single && len(t.addresses) > 1 {
		return fmt.Errorf("%d hosts, want one: several need redis+sentinel:// or redis+cluster://", len(t.addresses))
	}
	return nil
}

// address completes a host with the default port.
func address(host, port string) (string, bool) {
	if h, p, err := net.SplitHostPort(host); err == nil {
		host, port = h, p
	} else if inner, ok := strings.CutPrefix(host, "["); ok {
		host, ok = strings.CutSuffix(inner, "]")
		if !ok {
			return "", false
		}
	} else if strings.Contains(host, ":") {
		return "", false
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil || n == 0 || host == "" || strings.ContainsAny(host, "[]% \t\r\n") {
		return "", false
	}
	return net.JoinHostPort(host, port), true
}

var prefixForm = regexp.MustCompile(`^[A-Za-z0-9._:-]{1,64}$`)

func (t *target) query(raw string) error {
	q, err := url.ParseQuery(raw)
	if err != nil {
		return errors.New("the query is not name=value&name=value, percent-encoded")
	}
	for name, values := range q {
		if len(values) > 1 {
			return fmt.Errorf("the query has one option %d times", len(values))
		}
		value := values[0]
		switch {
		case name == "prefix":
			if !prefixForm.MatchString(value) {
				return errors.New("prefix must be 1 to 64 of A-Z, a-z, 0-9, and . _ : -")
			}
			t.prefix = value
		case name == "replicas":
			n, err := strconv.ParseUint(value, 10, 8)
			if err != nil {
				return errors.New("replicas must be a number from 0 to 255")
			}
			t.replicas = int(n)
		case name == "sentinel_master" && t.mode == sentinel && value != "":
			t.master = value
		case name == "sentinel_username" && t.mode == sentinel:
			t.sentinelUsername = value
		case name == "sentinel_password" && t.mode == sentinel:
			t.sentinelPassword = value
		case q.Has("sentinel_password"): // the name may be the rest of it, after an & that was not encoded
			return errors.New("the query has an option that is not prefix, replicas, or one for Sentinel")
		default:
			return fmt.Errorf("option %q is not known or not for this kind of URL: want prefix, replicas, or for Sentinel sentinel_master, sentinel_username, sentinel_password", name)
		}
	}
	return nil
}

func (t *target) path(raw string) error {
	raw = strings.TrimPrefix(raw, "/")
	switch t.mode {
	case cluster:
		if raw != "" {
			return errors.New("a cluster has no databases: the path must be empty")
		}
		return nil
	case sentinel:
		if t.master == "" {
			name, rest, _ := strings.Cut(raw, "/")
			master, err := url.PathUnescape(name)
			if err != nil || master == "" {
				return errors.New("the path must be /master-name or /master-name/database")
			}
			t.master, raw = master, rest
		}
	}
	if raw == "" {
		return nil
	}
	n, err := strconv.ParseUint(raw, 10, 16)
	if err != nil {
		return errors.New("the database in the path must be a number")
	}
	t.db = int(n)
	return nil
}

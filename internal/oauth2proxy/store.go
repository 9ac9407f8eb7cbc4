package oauth2proxy

import (
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// store returns where sessions are kept: a URL, or the file that has one with a
// password.
func (c *conversion) store() any {
	if !strings.EqualFold(c.text("session-store-type"), "redis") {
		if c.has("session-store-type") && !strings.EqualFold(c.text("session-store-type"), "cookie") {
			c.tell("session-store-type", Unknown, "it is neither cookie nor redis; sessions are kept in a file")
		} else if !c.has("session-store-type") {
			c.tell("session-store-type", Changed, "it is not set: theirs kept sessions in cookies, here they are in a file; several processes need redis://… or postgres://…")
		}
		return "file:/var/lib/wayleave/wayleave.db"
	}
	s, ok := c.redis()
	if c.given["session-store-type"] != nil {
		c.given["session-store-type"].noted = true
	}
	flag := "redis-connection-url"
	if s.flag != "" {
		flag = s.flag
	}
	switch {
	case !ok:
		c.tell(flag, Changed, "no address of a server can be read from it: put a URL such as redis://HOST:6379/0 into %s", storeFile)
	case s.secret:
		c.tell(flag, Changed, "the URL is not printed, since it holds a password: put %s into %s, mode 0600, with everything but letters and digits percent-encoded in USER and PASSWORD", s.url(), storeFile)
	default:
		if c.given[flag] != nil {
			c.given[flag].noted = true
		}
		return s.url()
	}
	return entries{{key: "from_file", value: storeFile}}
}

// redisStore is what their options say about the servers, but for secrets.
type redisStore struct {
	flag                 string // the option that lists them
	scheme, suffix       string // suffix: +sentinel, +cluster
	hosts                []string
	master, db           string
	secret, sentinelPass bool
}

// url has USER and PASSWORD where the real ones belong.
func (s redisStore) url() string {
	u := s.scheme + s.suffix + "://"
	if s.secret && !s.sentinelPass {
		u += "USER:PASSWORD@"
	}
	u += strings.Join(s.hosts, ",")
	if s.master != "" {
		u += "/" + s.master
	}
	if s.db != "" {
		u += "/" + s.db
	}
	if s.sentinelPass {
		u = strings.Replace(u, "://", "://USER:PASSWORD@", 1) + "?sentinel_password=PASSWORD"
	}
	return u
}

var (
	dbForm     = regexp.MustCompile(`^[0-9]{1,5}$`)
	masterForm = regexp.MustCompile(`^[A-Za-z0-9._-]{1,100}$`)
)

func (c *conversion) redis() (s redisStore, ok bool) {
	var urls []string
	switch {
	case c.yes("redis-use-sentinel", false):
		s.flag, s.suffix, s.master = "redis-sentinel-connection-urls", "+sentinel", c.text("redis-sentinel-master-name")
		urls = c.list(s.flag)
		if !masterForm.MatchString(s.master) {
			c.tell("redis-sentinel-master-name", Changed, "the name of the primary is needed: write it in place of MASTER")
			s.master = "MASTER"
		}
	case c.yes("redis-use-cluster", false):
		s.flag, s.suffix = "redis-cluster-connection-urls", "+cluster"
		urls = c.list(s.flag)
	default:
		s.flag = "redis-connection-url"
		urls = []string{c.text(s.flag)}
	}
	s.sentinelPass = s.suffix == "+sentinel" && c.given["redis-sentinel-password"] != nil
	s.secret = s.sentinelPass || c.given["redis-password"] != nil || c.given["redis-username"] != nil
	for _, raw := range urls {
		u, err := url.Parse(raw)
		if err != nil || u.Scheme != "redis" && u.Scheme != "rediss" || u.Hostname() == "" || !plainHost(u.Host) || s.scheme != "" && s.scheme != u.Scheme {
			return s, false
		}
		s.scheme = u.Scheme
		s.secret = s.secret || u.User != nil
		if db := strings.Trim(u.Path, "/"); dbForm.MatchString(db) && s.suffix != "+cluster" {
			s.db = db
		}
		if !slices.Contains(s.hosts, u.Host) {
			s.hosts = append(s.hosts, u.Host)
		}
	}
	return s, len(s.hosts) > 0
}

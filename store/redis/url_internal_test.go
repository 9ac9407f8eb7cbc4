package redis

import (
	"reflect"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	one := target{addresses: []string{"127.0.0.1:6379"}, prefix: "wayleave"}
	three := target{mode: cluster, addresses: []string{"a:6379", "b:7000", "[::1]:6379"}, prefix: "wayleave", replicas: 1}
	watched := target{mode: sentinel, addresses: []string{"a:26379", "b:5000"}, master: "main", prefix: "wayleave", replicas: 1}
	with := func(t target, change func(*target)) target { change(&t); return t }
	for url, want := range map[string]target{
		"redis://127.0.0.1":                                one,
		"redis://127.0.0.1/":                               one,
		"redis://127.0.0.1:6379/0":                         one,
		"redis://127.0.0.1/15":                             with(one, func(t *target) { t.db = 15 }),
		"rediss://127.0.0.1":                               with(one, func(t *target) { t.tls = true }),
		"redis://[::1]:7000":                               with(one, func(t *target) { t.addresses = []string{"[::1]:7000"} }),
		"redis://:s3cret@127.0.0.1":                        with(one, func(t *target) { t.password = "s3cret" }),
		"redis://me:a%40b%2Fc:d@127.0.0.1":                 with(one, func(t *target) { t.username, t.password = "me", "a@b/c:d" }),
		"redis://me:a@b@127.0.0.1":                         with(one, func(t *target) { t.username, t.password = "me", "a@b" }),
		"redis://127.0.0.1?prefix=my.app:2&replicas=2":     with(one, func(t *target) { t.prefix, t.replicas = "my.app:2", 2 }),
		"redis+cluster://a,b:7000,[::1]":                   three,
		"redis+cluster://a,b:7000,[::1]/?replicas=0":       with(three, func(t *target) { t.replicas = 0 }),
		"rediss+cluster://a,b:7000,[::1]":                  with(three, func(t *target) { t.tls = true }),
		"redis+sentinel://a,b:5000/main":                   watched,
		"redis+sentinel://a,b:5000/main/3":                 with(watched, func(t *target) { t.db = 3 }),
		"redis+sentinel://a,b:5000/3?sentinel_master=main": with(watched, func(t *target) { t.db = 3 }),
		"rediss+sentinel://me:p@a,b:5000/my%20main?sentinel_username=u&sentinel_password=q%26r": with(watched, func(t *target) {
			t.tls, t.username, t.password, t.master, t.sentinelUsername, t.sentinelPassword = true, "me", "p", "my main", "u", "q&r"
		}),
	} {
		got, err := parse(url)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("parse(%q) = %+v, %v, want %+v", url, got, err, want)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for url, want := range map[string]string{
		"":                          "want redis://",
		"127.0.0.1:6379":            "want redis://",
		"http://127.0.0.1":          "want redis://",
		"REDIS://127.0.0.1":         "want redis://",
		"redis://":                  "host 1 is not",
		"redis://a:0":               "host 1 is not",
		"redis://a:65536":           "host 1 is not",
		"redis://a:b:1":             "host 1 is not",
		"redis://::1":               "host 1 is not",
		"redis://[::1":              "host 1 is not",
		"redis://a b":               "host 1 is not",
		"redis+cluster://a,,b":      "host 2 is not",
		"redis://a,b":               "2 hosts, want one",
		"redis://a/main":            "database in the path must be a number",
		"redis://a/-1":              "database in the path must be a number",
		"redis://a/1/2":             "database in the path must be a number",
		"redis+cluster://a/1":       "a cluster has no databases",
		"redis+sentinel://a":        "path must be /master-name",
		"redis+sentinel://a//0":     "path must be /master-name",
		"redis+sentinel://a/main/x": "database in the path must be a number",
		"redis+sentinel://a/main/0?sentinel_master=main": "database in the path must be a number",
		"redis://a?prefix=":                               "prefix must be",
		"redis://a?prefix={b}":                            "prefix must be",
		"redis://a?prefix=b&prefix=c":                     "one option 2 times",
		"redis://a?replicas=-1":                           "replicas must be",
		"redis://a?replicas=256":                          "replicas must be",
		"redis://a?timeout=1s":                            `option "timeout" is not known`,
		"redis://a?sentinel_master=main":                  `option "sentinel_master" is not known or not for this kind`,
		"redis://a?%zz=1":                                 "the query is not name=value",
		"redis://a?b;c":                                   "the query is not name=value",
		"redis://a#b":                                     "unexpected @ or #",
		"redis://canary@a":                                "before the @ must be user:password",
		"redis://canary:@a":                               "before the @ must be user:password",
		"redis://:canary%zz@a":                            "not percent-encoded correctly",
		"redis://:can/ary@a":                              "unexpected @ or #",
		"redis://:can?ary@a":                              "unexpected @ or #",
		"redis://:can#ary@a":                              "unexpected @ or #",
		"redis://:canary@a b":                             "host 1 is not",
		"redis://:canary":                                 "host 1 is not",
		"redis://:canary@a/x":                             "database in the path",
		"redis+sentinel://a/m?sentinel_password=p&canary": "the query has an option that is not",
	} {
		_, err := parse(url)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("parse(%q): %v, want %q", url, err, want)
		}
		if err != nil && strings.Contains(err.Error(), "can") && strings.Contains(url, "can") && !strings.Contains(want, "can") {
			t.Errorf("the error for %q may tell a part of the password: %v", url, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		"redis://:p@127.0.0.1:6379/0?prefix=a", "rediss+sentinel://u:p@a,b:1/m/2?sentinel_password=q", "redis+cluster://[::1]:2,c",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, url string) {
		got, err := parse(url)
		if err != nil {
			return
		}
		if len(got.addresses) == 0 || got.prefix == "" || strings.ContainsAny(got.prefix, "{}") || got.mode == sentinel && got.master == "" {
			t.Errorf("parse(%q) = %+v", url, got)
		}
	})
}

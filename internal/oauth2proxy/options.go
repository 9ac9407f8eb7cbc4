package oauth2proxy

import (
	"cmp"
	"strings"
)

// option is one of theirs, and what becomes of it.
type option struct {
	flag  string // on the command line, without hyphens in front
	key   string // in the config file; empty: only on the command line
	kind  kind
	fate  Kind
	ours  string // the keys of ours that it becomes
	says  string // what happens with it, and what to do
	quiet string // a value of which nothing has to be said
	trait trait
}

type kind int

const (
	text kind = iota
	list
	boolean
	number
	duration
)

type trait int

const (
	// secret: the value is never printed.
	secret trait = 1 << iota
	// narrows: it says who may come in. One that cannot be taken over lets
	// nobody in, so that nobody comes in by mistake.
	narrows
)

func (o *option) is(t trait) bool { return o.trait&t != 0 }

// all are the options of every group.
var all = func() []*option {
	var out []*option
	for _, group := range groups {
		for i := range group.options {
			out = append(out, &group.options[i])
		}
	}
	return out
}()

type group struct {
	title   string
	options []option
}

// groups are in the order of the documentation.
var groups = []group{
	{"Provider", providerOptions},
	{"Who may come in", accessOptions},
	{"Upstreams and headers", upstreamOptions},
	{"Sessions and cookies", sessionOptions},
	{"Addresses, proxies, health", serverOptions},
	{"Log", logOptions},
	{"Pages and the command line", pageOptions},
}

// byName has each option under its names in one spelling.
var byName = func() map[string]*option {
	out := map[string]*option{}
	for _, o := range all {
		out[spelling(o.flag)], out[spelling(o.key)] = o, o
	}
	delete(out, "")
	return out
}()

// spelling folds what the command line, the file and the environment write
// differently.
func spelling(name string) string {
	return strings.ReplaceAll(strings.ToLower(name), "-", "_")
}

// nearest is the name of theirs that is most like one that is none.
func nearest(name string) (*option, bool) {
	name = spelling(name)
	var best *option
	least := max(2, len(name)/4) + 1
	for _, o := range all {
		for _, known := range []string{spelling(o.flag), spelling(o.key)} {
			if d := distance(name, known, least); known != "" && d < least {
				best, least = o, d
			}
		}
	}
	return best, best != nil
}

// distance counts the letters to change; it stops at limit.
func distance(a, b string, limit int) int {
	if len(a)-len(b) >= limit || len(b)-len(a) >= limit {
		return limit
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal, row[j+1] = row[j+1], min(change, row[j+1]+1, row[j]+1)
		}
	}
	return row[len(b)]
}

// display is the name in the documentation.
func (o *option) display() string { return cmp.Or(o.key, "--"+o.flag) }

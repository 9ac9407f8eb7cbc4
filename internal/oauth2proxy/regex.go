package oauth2proxy

import (
	"regexp/syntax"
	"slices"
	"strings"

	"github.com/wayleave/wayleave/gateway/canonical"
)

// area is one path of ours: exact, or a prefix that ends at a slash or at the end.
type area struct {
	path  string
	exact bool
}

// everything is the area of all paths.
var everything = area{path: "/"}

// holds reports whether all paths of b are in a.
func (a area) holds(b area) bool {
	if a.exact {
		return a == b
	}
	below, ok := strings.CutPrefix(b.path, a.path)
	return ok && (below == "" || strings.HasSuffix(a.path, "/") || below[0] == '/')
}

// clean reports whether a path has one spelling.
func clean(path string) bool {
	p, err := canonical.Of(path)
	return err == nil && p.Decoded == path && p.Escaped == path && !strings.ContainsAny(path, `?*^[]{}|\`) && !strings.HasSuffix(path, "$")
}

// areas returns what an expression for paths matches, if it is no more than a
// few paths and prefixes. narrower reports that ours match less; they never
// match more.
func areas(expression string) (out []area, narrower, ok bool) {
	switch expression {
	case "", "/", "^", "^/", ".*", "^.*", "^/.*", "^.*$", "^/.*$", "/.*":
		return []area{everything}, false, true
	}
	re, err := syntax.Parse(expression, syntax.Perl)
	if err != nil || len(expression) > 1000 {
		return nil, false, false
	}
	e := &expansion{}
	for _, pieces := range e.expand(re) {
		a, less, ok := e.area(pieces)
		if !ok || !clean(a.path) {
			return nil, false, false
		}
		narrower = narrower || less
		if !slices.Contains(out, a) {
			out = append(out, a)
		}
	}
	return joined(out), narrower || e.narrower, !e.failed && len(out) > 0
}

// joined makes one prefix of a path and all that is below it.
func joined(in []area) []area {
	var out []area
	for _, a := range in {
		below, bare := area{path: a.path + "/"}, strings.TrimSuffix(a.path, "/")
		switch {
		case a.exact && slices.Contains(in, below):
			out = append(out, area{path: a.path})
		case !a.exact && bare != "" && bare != a.path && slices.Contains(in, area{bare, true}):
		default:
			out = append(out, a)
		}
	}
	return out
}

// piece is a part of an expression: text, or one of the marks.
type piece string

const (
	begin piece = "\x00begin"
	end   piece = "\x00end"
	rest  piece = "\x00rest" // anything, or nothing
)

type expansion struct {
	narrower, failed bool
}

// expand returns the alternatives, as sequences of pieces.
func (e *expansion) expand(re *syntax.Regexp) [][]piece {
	switch re.Op {
	case syntax.OpLiteral:
		e.narrower = e.narrower || re.Flags&syntax.FoldCase != 0
		return [][]piece{{piece(string(re.Rune))}}
	case syntax.OpAnyChar, syntax.OpAnyCharNotNL: // a dot that somebody forgot to escape
		e.narrower = true
		return [][]piece{{"."}}
	case syntax.OpCharClass:
		return e.class(re.Rune)
	case syntax.OpBeginText:
		return [][]piece{{begin}}
	case syntax.OpEndText:
		return [][]piece{{end}}
	case syntax.OpEmptyMatch:
		return [][]piece{{}}
	case syntax.OpCapture:
		return e.expand(re.Sub[0])
	case syntax.OpQuest:
		return append([][]piece{{}}, e.expand(re.Sub[0])...)
	case syntax.OpStar:
		if op := re.Sub[0].Op; op == syntax.OpAnyChar || op == syntax.OpAnyCharNotNL {
			return [][]piece{{rest}}
		}
	case syntax.OpAlternate:
		var out [][]piece
		for _, sub := range re.Sub {
			out = append(out, e.expand(sub)...)
		}
		return e.bounded(out)
	case syntax.OpConcat:
		out := [][]piece{{}}
		for _, sub := range re.Sub {
			var longer [][]piece
			for _, tail := range e.expand(sub) {
				for _, head := range out {
					longer = append(longer, slices.Concat(head, tail))
				}
			}
			out = e.bounded(longer)
		}
		return out
	}
	e.failed = true
	return nil
}

const mostAlternatives = 32

func (e *expansion) bounded(all [][]piece) [][]piece {
	if len(all) > mostAlternatives {
		e.failed = true
		return nil
	}
	return all
}

// class are the characters of a small class, one alternative each.
func (e *expansion) class(ranges []rune) [][]piece {
	var out [][]piece
	for i := 0; i+1 < len(ranges); i += 2 {
		if ranges[i+1]-ranges[i] > mostAlternatives {
			e.failed = true
			return nil
		}
		for r := ranges[i]; r <= ranges[i+1]; r++ {
			out = append(out, []piece{piece(string(r))})
		}
	}
	return e.bounded(out)
}

// area makes one of a sequence, which must begin at the beginning.
func (e *expansion) area(pieces []piece) (a area, narrower, ok bool) {
	if len(pieces) == 0 || pieces[0] != begin {
		return area{}, false, false
	}
	var path strings.Builder
	tail := pieces[1:]
	for len(tail) > 0 && tail[0] != rest && tail[0] != end {
		if tail[0] == begin {
			return area{}, false, false
		}
		path.WriteString(string(tail[0]))
		tail = tail[1:]
	}
	a = area{path: path.String()}
	switch {
	case len(tail) == 1 && tail[0] == end:
		a.exact = true
	case len(tail) == 0, len(tail) == 1 && tail[0] == rest, len(tail) == 2 && tail[0] == rest && tail[1] == end:
		narrower = a.path != "" && !strings.HasSuffix(a.path, "/")
		if a.path == "" {
			a.path = "/"
		}
	default:
		return area{}, false, false
	}
	return a, narrower, true
}

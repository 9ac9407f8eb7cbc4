package config

import (
	"fmt"
	"strings"
)

// unknown tells of a key that an object does not have, and what it may mean.
func (d *decoder) unknown(f *form, p pair, path string) {
	d.hide(p.value)
	names := make([]string, len(f.keys))
	for i, k := range f.keys {
		names[i] = k.name
	}
	cure := ""
	if len(d.mistakes) == maxCollected { // which is not told
	} else if near := nearest(p.name, names); near != "" {
		d.misspelt[join(path, near)] = true
		cure = fmt.Sprintf("did you mean %q?", near)
	} else {
		cure = "it belongs to " + strings.Join(ownersOf(d.root, p.name), " or to ")
	}
	if cure == "it belongs to " {
		cure = "the keys here are " + strings.Join(names, ", ")
	}
	d.bad(p.key, join(path, shortened(p.name)), "unknown key", cure)
}

// didYouMean is a question, or nothing if nothing is near.
func didYouMean(name string, names []string) string {
	if near := nearest(name, names); near != "" {
		return fmt.Sprintf("did you mean %q?", near)
	}
	return ""
}

func nearest(name string, names []string) string {
	best, least := "", 1+min(3, len(name)/3)
	for _, candidate := range names {
		if shorter := min(len(name), len(candidate)); shorter >= 4 && name[:shorter] == candidate[:shorter] {
			return candidate // warning, warn
		}
		if distance := distance(name, candidate); distance < least {
			best, least = candidate, distance
		}
	}
	return best
}

// ownersOf are the objects that do have a key: mostly the indentation is wrong.
func ownersOf(f *form, name string) []string {
	var owners []string
	seen := map[string]bool{}
	f.visit(func(object *form) {
		if object.has(name) && !seen[object.title] && object.title != "" {
			seen[object.title] = true
			owners = append(owners, object.title)
		}
	})
	return owners
}

// visit calls see with each object, outermost first.
func (f *form) visit(see func(*form)) {
	if f == nil {
		return
	}
	if f.keys != nil {
		see(f)
	}
	for _, k := range f.keys {
		k.form.visit(see)
	}
	for _, choice := range f.choices {
		choice.visit(see)
	}
	f.item.visit(see)
	f.values.visit(see)
}

// distance is how many letters are added, removed, changed, or changed places
// with their neighbours. Case, hyphens and underscores make none.
func distance(a, b string) int {
	fold := strings.NewReplacer("-", "", "_", "", " ", "")
	a, b = fold.Replace(strings.ToLower(a)), fold.Replace(strings.ToLower(b))
	if len(a) > 64 || len(b) > 64 {
		return 64
	}
	rows := [3][]int{make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)}
	for j := range rows[1] {
		rows[1][j] = j
	}
	for i := range len(a) {
		before, last, row := rows[0], rows[1], rows[2]
		row[0] = i + 1
		for j := range len(b) {
			change := 1
			if a[i] == b[j] {
				change = 0
			}
			row[j+1] = min(last[j+1]+1, row[j]+1, last[j]+change)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
		rows[0], rows[1], rows[2] = last, row, before
	}
	return rows[1][len(b)]
}

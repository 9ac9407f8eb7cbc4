package trace

import "github.com/wayleave/wayleave/oauth"

// band is a run of entries of one step, under one heading.
type band struct {
	Label   string // "Step 1"
	Title   string
	Intro   string // only where the step is met for the first time
	Entries []Entry
}

// bands divides a story by its steps, in the order in which things happened. A
// step that is met again, such as step 2 when a callback is reloaded, gets a
// band of its own.
func (s *Story) bands() []band {
	var out []band
	met := map[oauth.Step]bool{}
	last := oauth.Step(-1)
	for _, e := range s.Entries {
		if e.Step != last {
			b := band{Label: e.Step.String(), Title: title(e.Step)}
			if met[e.Step] {
				b.Title += ", again"
			} else {
				b.Intro = intro(e.Step)
			}
			out = append(out, b)
			last, met[e.Step] = e.Step, true
		}
		b := &out[len(out)-1]
		b.Entries = append(b.Entries, e)
	}
	return out
}

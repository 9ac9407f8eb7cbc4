package serving

import (
	"crypto/sha256"
	"maps"
	"os"
)

// watched tells when the content of files has changed. It reads them, because
// what else could tell differs by system, and by how the file is replaced:
// Kubernetes swaps a link two folders above.
type watched struct {
	files func() []string
	known contents // what was reported last
	seen  contents // what the last look found
}

// contents are hashes by name. A file that is missing has the zero one.
type contents map[string][sha256.Size]byte

func watch(files func() []string) *watched {
	w := &watched{files: files}
	w.settle()
	return w
}

// changed reports a change when two looks in a row have found the same, so that
// a file that is being written is left alone.
func (w *watched) changed() bool {
	now := w.look()
	settled := maps.Equal(now, w.seen)
	w.seen = now
	if !settled {
		return false
	}
	changed := false
	for name, content := range now {
		was, known := w.known[name] // see learn
		changed = changed || known && was != content
	}
	w.known = now
	return changed
}

// learn takes in files that are in the list for the first time. It is called when
// they have just been read, or were missing.
func (w *watched) learn() {
	for name, content := range w.look() {
		if _, known := w.known[name]; !known {
			w.known[name] = content
		}
	}
}

// settle takes what is there now for reported.
func (w *watched) settle() {
	w.known = w.look()
	w.seen = w.known
}

func (w *watched) look() contents {
	found := contents{}
	if w.files == nil {
		return found
	}
	for _, name := range w.files() {
		// A file that is missing differs from an empty one. A pipe is not read:
		// that could last for ever.
		found[name] = [sha256.Size]byte{}
		if info, err := os.Stat(name); err == nil && info.Mode().IsRegular() {
			if content, err := os.ReadFile(name); err == nil {
				found[name] = sha256.Sum256(content)
			}
		}
	}
	return found
}

package serving

import (
	"crypto/sha256"
	"os"
)

// watched tells when the content of files has changed. It reads them, because
// what else could tell differs by system, and by how the file is replaced:
// Kubernetes swaps a link two folders above.
type watched struct {
	files func() []string
	known [sha256.Size]byte // what was reported last
	seen  [sha256.Size]byte // what the last look found
}

func watch(files func() []string) *watched {
	w := &watched{files: files}
	w.settle()
	return w
}

// changed reports a change when two looks in a row have found the same, so that
// a file that is being written is left alone.
func (w *watched) changed() bool {
	now := w.look()
	settled := now == w.seen
	w.seen = now
	if !settled || now == w.known {
		return false
	}
	w.known = now
	return true
}

// settle takes what is there now for reported.
func (w *watched) settle() {
	w.known = w.look()
	w.seen = w.known
}

func (w *watched) look() (sum [sha256.Size]byte) {
	if w.files == nil {
		return sum
	}
	h := sha256.New()
	for _, name := range w.files() {
		// A file that is missing differs from an empty one. A pipe is not read:
		// that could last for ever.
		one := [sha256.Size]byte{}
		if info, err := os.Stat(name); err == nil && info.Mode().IsRegular() {
			if content, err := os.ReadFile(name); err == nil {
				one = sha256.Sum256(content)
			}
		}
		h.Write(one[:])
	}
	return [sha256.Size]byte(h.Sum(nil))
}

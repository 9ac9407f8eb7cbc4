package serving

import (
	"os"
	"os/exec"
	"path/filepath"
)

// ownBinary is the path that a successor is started from. It is found at the
// start, when it is certain which file it is. The name that we were started by
// counts, so that a link that is pointed at a new version leads there.
func ownBinary() string {
	self, err := os.Executable()
	if err != nil {
		return ""
	}
	name, err := exec.LookPath(os.Args[0])
	if err != nil {
		return self
	}
	if name, err = filepath.Abs(name); err != nil || !sameFile(name, self) {
		return self
	}
	return name
}

func sameFile(a, b string) bool {
	first, err := os.Stat(a)
	if err != nil {
		return false
	}
	second, err := os.Stat(b)
	return err == nil && os.SameFile(first, second)
}

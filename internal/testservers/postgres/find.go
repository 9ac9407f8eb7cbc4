package postgres

import (
	"os/exec"
	"path/filepath"
	"strconv"
)

// missingError tells that the machine has no PostgreSQL.
type missingError struct{}

func (missingError) Error() string {
	return "neither /usr/lib/postgresql/*/bin nor the path has initdb and postgres"
}

// find returns the folder with PostgreSQL's programs. Debian keeps them out of
// the path, each version in a folder of its own; the newest is taken.
func find() (string, error) {
	found, newest := "", 0
	for _, dir := range glob("/usr/lib/postgresql/*/bin") {
		version, err := strconv.Atoi(filepath.Base(filepath.Dir(dir)))
		if err == nil && version > newest && complete(dir) {
			found, newest = dir, version
		}
	}
	if found != "" {
		return found, nil
	}
	if path, err := exec.LookPath("initdb"); err == nil && complete(filepath.Dir(path)) {
		return filepath.Dir(path), nil
	}
	return "", missingError{}
}

func complete(dir string) bool {
	_, err := exec.LookPath(filepath.Join(dir, "initdb"))
	_, err2 := exec.LookPath(filepath.Join(dir, "postgres"))
	return err == nil && err2 == nil
}

func glob(pattern string) []string {
	names, _ := filepath.Glob(pattern) // the pattern is well formed
	return names
}

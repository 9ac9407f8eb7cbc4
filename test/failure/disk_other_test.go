//go:build !linux

package failure_test

import "testing"

func smallDisk(t *testing.T, _, _ string) (dir string, makeRoom func()) {
	t.Skip("only Linux has a small disk to offer")
	return "", nil
}

//go:build !unix

package keyfile

import (
	"io/fs"
	"os"
)

func chownLike(*os.File, fs.FileInfo) error { return nil }

func handed(fs.FileInfo) bool { return false }

package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// maxFile is the largest configuration file in bytes.
const maxFile = 1 << 20

// Read reads a file, and the files and variables it names. env is
// [os.LookupEnv], or a test's. Relative paths in the file start at its folder.
// The error is [Mistakes]; with it comes a Config of which Files and Keys alone mean
// something, so that one can wait for what is amiss.
func Read(path string, env func(string) (string, bool)) (*Config, error) {
	text, err := load(path, maxFile)
	if err != nil {
		return &Config{Files: []string{path}}, Mistakes{{File: path, Reason: err.Error()}}
	}
	dir, err := filepath.Abs(filepath.Dir(path))
	if err != nil {
		return &Config{Files: []string{path}}, Mistakes{{File: path, Reason: "cannot find the folder of this file: " + err.Error()}}
	}
	d := newDecoder(path, dir, string(text), env)
	d.root = fileShape.form
	c := &Config{file: path, places: d.places}
	if root := d.parse(); root != nil {
		d.literalsOf(path)
		fileShape.read(d, root, "", &written{Config: c})
	}
	d.finish()
	c.Files, c.Warnings = append([]string{path}, d.files...), d.warnings
	if len(d.mistakes) > 0 {
		return c, d.mistakes
	}
	return c, nil
}

// load reads a regular file. Its error is a sentence without the path.
func load(path string, limit int64) ([]byte, error) {
	// Before opening it, which waits for ever where nobody writes to a pipe.
	info, err := os.Stat(path)
	if err != nil {
		return nil, unreadable(err)
	}
	switch {
	case info.IsDir():
		return nil, errors.New("is a folder, and not a file")
	case !info.Mode().IsRegular():
		return nil, errors.New("is not a regular file")
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, unreadable(err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return nil, unreadable(err)
	}
	if int64(len(text)) > limit {
		return nil, fmt.Errorf("is larger than %d bytes", limit)
	}
	return text, nil
}

// unreadable says why, without the path.
func unreadable(err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return errors.New("does not exist")
	case errors.Is(err, fs.ErrPermission):
		return errors.New("cannot be read: permission denied")
	}
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		err = e.Err
	}
	return fmt.Errorf("cannot be read: %w", err)
}

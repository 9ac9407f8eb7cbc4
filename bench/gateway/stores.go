//go:build linux

package main

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
)

// redis starts a private server, which writes down what it acknowledges.
func (b *bench) redis() (s store, err error) {
	program, err := exec.LookPath("redis-server")
	if err != nil {
		return s, missingError{"Redis", "apt install redis-server"}
	}
	address, err := free()
	if err != nil {
		return s, err
	}
	_, port, _ := net.SplitHostPort(address)
	c, err := b.start(nil, servingCore, "redis", address, program, "--bind", "127.0.0.1", "--port", port, "--dir", b.dir, "--save", "", "--appendonly", "yes", "--appendfsync", "always")
	return store{"Redis", "redis://" + address + "/0", c}, err
}

// postgres starts a private server.
func (b *bench) postgres() (s store, err error) {
	programs, _ := filepath.Glob("/usr/lib/postgresql/*/bin/postgres")
	if len(programs) == 0 {
		return s, missingError{"PostgreSQL", "apt install postgresql"}
	}
	program := slices.Max(programs)
	address, err := free()
	if err != nil {
		return s, err
	}
	_, port, _ := net.SplitHostPort(address)
	data := filepath.Join(b.dir, "postgres")
	who, err := unprivileged()
	if err != nil {
		return s, err
	}
	if err := os.Mkdir(data, 0o700); err != nil {
		return s, err
	}
	if who != nil {
		if err := os.Chown(data, int(who.Uid), int(who.Gid)); err != nil {
			return s, err
		}
	}
	initdb := exec.Command(filepath.Join(filepath.Dir(program), "initdb"), "-D", data, "-U", "wayleave", "-A", "trust", "--no-sync")
	initdb.Dir = data
	initdb.SysProcAttr = &syscall.SysProcAttr{Credential: who}
	if text, err := initdb.CombinedOutput(); err != nil {
		return s, fmt.Errorf("initdb: %w\n%s", err, text)
	}
	c, err := b.start(who, servingCore, "postgres", address, program, "-D", data, "-p", port, "-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=")
	return store{"PostgreSQL", "postgres://wayleave@" + address + "/postgres?sslmode=disable", c}, err
}

// unprivileged is whom PostgreSQL, which refuses to be root, runs as.
func unprivileged() (*syscall.Credential, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		return nil, err
	}
	uid, _ := strconv.Atoi(u.Uid)
	gid, _ := strconv.Atoi(u.Gid)
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
}

// missingError says what is not measured, and what would help.
type missingError struct{ what, cure string }

func (e missingError) Error() string {
	return e.what + " is not installed, and not measured; cure: " + e.cure
}

//go:build linux

// Gateway measures "wayleave serve" beside the least that anybody could do: the
// standard library's bare proxy with the same transport. From the repository:
//
//	go -C bench run ./gateway
//
// All take turns, each with a fresh start in each round, and a ratio is made of
// two numbers of one round; the table has medians. What is measured has core 0
// to itself; the load, the app behind and the provider share core 1. Linux only.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"regexp"
	"runtime"
	"syscall"
	"time"
)

func main() {
	roles := map[string]func(a []string) error{
		"backend":  func(a []string) error { return backend(a[0]) },
		"bare":     func(a []string) error { return bare(a[0], a[1], true) },
		"unpooled": func(a []string) error { return bare(a[0], a[1], false) },
		"provider": func(a []string) error { return serveProvider(a[0]) },
		"floor":    func(a []string) error { return serveFloor(a[0], a[1], a[2]) },
		"load":     func([]string) error { return load(os.Stdin, os.Stdout) },
		"profiled": func(a []string) error { return profiled(a[0], a[1]) },
	}
	var err error
	if role := roles[append(os.Args, "")[1]]; role != nil { // the programs of the measurement are this one
		err = role(os.Args[2:])
	} else {
		err = drive()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// drive is the measurement.
func drive() error {
	b := &bench{}
	flag.IntVar(&b.rounds, "rounds", 5, "how often all programs are started afresh")
	flag.DurationVar(&b.turn, "turn", 100*time.Millisecond, "how long each of the many turns of a round is")
	flag.IntVar(&b.starts, "starts", 20_000, "logins that are begun and abandoned")
	flag.StringVar(&b.wayleave, "wayleave", "", "the binary; built if empty")
	flag.StringVar(&b.other, "other", "", "another binary, which is measured with the embedded store too: what a change is worth shows in one run only")
	flag.StringVar(&b.profile, "profile", "", "write a CPU profile of the gateway with the embedded store, of the last round, to this file")
	only := flag.String("only", "", "measure only what this expression fits: embedded, other, Redis, PostgreSQL, nginx, oauth2-proxy, unpooled, floor, anonymous, forged, paced, memory, or one of the stores with \", login\"")
	flag.Parse()
	var err error
	if b.only, err = regexp.Compile(*only); err != nil {
		return err
	}
	if runtime.NumCPU() < 2 {
		return errors.New("two cores are needed, one for what is measured and one for the load")
	}
	interrupted := make(chan os.Signal, 1)
	signal.Notify(interrupted, os.Interrupt, syscall.SIGTERM)
	finished := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		finished <- b.run()
	}()
	select {
	case err := <-finished:
		b.close()
		return err
	case <-interrupted:
		b.stop()
		<-finished
		b.close()
		return errors.New("interrupted")
	}
}

//go:build linux

package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"time"
)

// job is what the load generator does, as a process of its own: it has short
// turns with each of the targets, again and again, so that whatever else goes on
// on the machine hits all alike.
type job struct {
	Kind        string // page, paced, login
	Targets     []target
	Connections int
	Turn        time.Duration
	Turns       int // of each target, after a tenth of them
	Rate        int // requests a second, of paced
}

// target is what is asked, and by what the asking is measured.
type target struct {
	Name    string
	Address string // host:port
	Path    string
	Header  []string // lines
	Want    int      // status
	Count   int      // of requests in each turn; 0: as many as go
	Pids    []int    // whose processor time is counted, with what they started
}

// result is what a target took.
type result struct {
	Requests int
	CPU      time.Duration
	Took     time.Duration
	P50, P99 time.Duration // of paced
}

// report is what the process says in the end.
type report struct {
	Results []result // as Targets
	Others  float64  // how many cores other programs had
	Cookie  string   // of a job without turns, which signs in at its only target
}

// run has a process of its own do the job.
func (j job) run() (report, error) {
	self, err := os.Executable()
	if err != nil {
		return report{}, err
	}
	spec, err := json.Marshal(j)
	if err != nil {
		return report{}, err
	}
	cmd := exec.Command("taskset", "-c", loadCore, self, "load")
	cmd.Stdin = strings.NewReader(string(spec))
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	out, err := cmd.Output()
	if err != nil {
		return report{}, fmt.Errorf("%s: %w", j.Kind, err)
	}
	var r report
	return r, json.Unmarshal(out, &r)
}

// load is that process.
func load(in io.Reader, out io.Writer) error {
	var j job
	err := json.NewDecoder(in).Decode(&j)
	if err != nil {
		return err
	}
	var r report
	if j.Turns == 0 {
		r.Cookie, err = new(browser).signIn(j.Targets[0])
	} else {
		r, err = j.all()
	}
	if err != nil {
		return err
	}
	return json.NewEncoder(out).Encode(r)
}

// all lets the targets take their turns.
func (j job) all() (report, error) {
	if j.Kind == "paced" {
		runtime.GOMAXPROCS(j.Connections + 4) // one that sleeps in the kernel would keep others waiting
	}
	var lanes []*lane
	for _, t := range j.Targets {
		l, err := j.lane(t)
		if err != nil {
			return report{}, fmt.Errorf("%s: %w", t.Name, err)
		}
		lanes = append(lanes, l)
	}
	var began, ours, machine time.Duration
	for i := range j.Turns + j.Turns/10 {
		if i == j.Turns/10 { // until here everything has warmed up
			for _, l := range lanes {
				l.forget()
			}
			began, ours, machine = now(), processorTime([]int{os.Getppid()}), busy()
		}
		for _, l := range lanes {
			if err := l.turn(j); err != nil {
				return report{}, fmt.Errorf("%s: %w", l.Name, err)
			}
		}
	}
	ours = processorTime([]int{os.Getppid()}) - ours
	r := report{Others: max(0, float64(busy()-machine-ours)/float64(now()-began))}
	for _, l := range lanes {
		r.Results = append(r.Results, l.result())
	}
	return r, nil
}

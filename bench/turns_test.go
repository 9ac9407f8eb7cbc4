//go:build unix

package bench

import (
	"slices"
	"syscall"
	"testing"
	"time"
)

// turn is one of the things that are compared.
type turn struct {
	name string
	do   func() error
}

// inTurns runs all of them one after the other, again and again, and reports
// for each the median of what the clock says, in ns/NAME. Other work on the
// machine hits all alike, and the longer ones more often, which would spoil a mean.
func inTurns(b *testing.B, turns ...turn) {
	b.Helper()
	began := time.Now()
	measure(b, 1, func() time.Duration { return time.Since(began) }, turns)
}

// inTurnsCPU reports the processor's time instead, of the whole process, for
// what waits for others and would wait longer on a busy machine. The kernel
// counts it too coarsely for single calls.
func inTurnsCPU(b *testing.B, turns ...turn) {
	b.Helper()
	measure(b, 100, func() time.Duration {
		var u syscall.Rusage
		if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
			b.Fatal(err)
		}
		return time.Duration(u.Utime.Nano() + u.Stime.Nano())
	}, turns)
}

func measure(b *testing.B, calls int, now func() time.Duration, turns []turn) {
	b.Helper()
	took := make([][]time.Duration, len(turns))
	for b.Loop() {
		for i, t := range turns {
			start := now()
			for range calls {
				if err := t.do(); err != nil {
					b.Fatalf("%s: %v", t.name, err)
				}
			}
			took[i] = append(took[i], (now()-start)/time.Duration(calls))
		}
	}
	for i, t := range turns {
		slices.Sort(took[i])
		b.ReportMetric(float64(took[i][len(took[i])/2]), "ns/"+t.name)
	}
	b.ReportMetric(0, "ns/op") // of all together: of no use
}

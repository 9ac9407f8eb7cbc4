//go:build linux

package main

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"time"
)

// memory is what the gateway has after its start, and after logins that were
// begun and abandoned.
func (b *bench) memory() error {
	defer b.endRound()
	url := b.newFile("memory.db")
	c, address, err := b.gateway("memory", "", url)
	if err != nil {
		return err
	}
	time.Sleep(time.Second)
	idle, err := resident(c.Pid())
	if err != nil {
		return err
	}
	if _, err := abandoned(c, address, b.starts/10).run(); err != nil { // what grows once: connections, buffers
		return errors.Join(err, c.said())
	}
	warm, stored := sizes(c, url)
	r, err := abandoned(c, address, b.starts).run()
	if err != nil {
		return errors.Join(err, c.said())
	}
	after, storedAfter := sizes(c, url)
	b.remarks = append(b.remarks,
		fmt.Sprintf("Resident memory of the gateway after its start: %.1f MB.", idle),
		fmt.Sprintf("Logins begun and abandoned: %.1f MB after %d, %.1f MB after %d more, at %.1f µs each; the store grew by %d bytes.", warm, b.starts/10, after, b.starts, r.Results[0].each(), storedAfter-stored))
	return nil
}

func sizes(c *child, url string) (megabytes float64, stored int64) {
	megabytes, _ = resident(c.Pid())
	if info, err := os.Stat(strings.TrimPrefix(url, "file:")); err == nil {
		stored = info.Size()
	}
	return megabytes, stored
}

//go:build unix

package serving

import (
	"os"
	"os/signal"
	"syscall"
)

func notifyMore(reload, restart chan<- os.Signal) {
	signal.Notify(reload, syscall.SIGHUP)
	signal.Notify(restart, syscall.SIGUSR2)
}

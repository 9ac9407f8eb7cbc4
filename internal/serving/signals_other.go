//go:build !unix

package serving

import "os"

// notifyMore has nothing to ask for: there are no such signals.
func notifyMore(_, _ chan<- os.Signal) {}

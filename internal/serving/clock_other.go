//go:build !linux

package serving

import "time"

// monotonic has no use where there is no systemd.
func monotonic() (time.Duration, bool) { return 0, false }

package redis

import (
	"os/exec"
	"syscall"
)

// endWithParent makes the kernel end the process when its parent is gone.
func endWithParent(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}

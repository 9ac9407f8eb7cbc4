package main

import (
	"context"
	"fmt"
	"runtime/debug"
)

var versionCommand = command{
	name:    "version",
	summary: "prints the version",
	example: "wayleave version",
	run: func(_ context.Context, c *invocation) int {
		version, revision := "(development)", ""
		if info, ok := debug.ReadBuildInfo(); ok {
			if v := info.Main.Version; v != "" && v != "(devel)" {
				version = v
			}
			for _, s := range info.Settings {
				if s.Key == "vcs.revision" {
					revision = " " + s.Value
				}
			}
			version += revision + " " + info.GoVersion
		}
		fmt.Fprintln(c.stdout, "wayleave", version)
		return 0
	},
}

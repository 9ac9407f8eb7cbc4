package redis

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/valkey-io/valkey-go"
)

// Check returns what is wrong with the servers' configuration, in sentences
// for the operator: that they may evict records, that a restart forgets them,
// that there are too few replicas to confirm a write. Servers that do not tell
// their state to this user are passed over; err names those that could not be
// asked at all, and the warnings about the others are returned all the same.
func (s *Store) Check(ctx context.Context) (warnings []string, err error) {
	limited, cancel, err := s.within(ctx)
	if err != nil {
		return nil, fmt.Errorf("check redis: %w", err)
	}
	defer cancel()
	err = s.client.Load().use(func(conn *client) error {
		var errs []error
		nodes := conn.Nodes()
		for _, address := range slices.Sorted(maps.Keys(nodes)) {
			node := nodes[address]
			text, err := node.Do(limited, node.B().Info().Build()).ToString()
			if _, refused := valkey.IsValkeyErr(err); refused {
				continue
			}
			if err != nil {
				errs = append(errs, fmt.Errorf("check redis at %s: %w", address, s.explain(ctx, err)))
			}
			for _, w := range s.examine(parseInfo(text)) {
				warnings = append(warnings, address+" "+w)
			}
		}
		return errors.Join(errs...)
	})
	return warnings, err
}

func (s *Store) examine(info map[string]string) (warnings []string) {
	if policy := info["maxmemory_policy"]; info["maxmemory"] != "0" && policy != "noeviction" && policy != "" {
		warnings = append(warnings, "may evict sessions and grants when its memory is full: set maxmemory-policy noeviction, it is "+policy)
	}
	if info["aof_enabled"] == "0" {
		warnings = append(warnings, "forgets what was written since its last snapshot when it restarts, and so do replicas that follow it then: set appendonly yes")
	}
	if n, err := strconv.Atoi(info["connected_slaves"]); err == nil && info["role"] == "master" && n < s.target.replicas {
		warnings = append(warnings, fmt.Sprintf("refuses to acknowledge writes: each waits for %d replicas, and %d are connected", s.target.replicas, n))
	}
	return warnings
}

// parseInfo reads the lines name:value that the servers' INFO consists of.
func parseInfo(text string) map[string]string {
	info := map[string]string{}
	for lines := bufio.NewScanner(strings.NewReader(text)); lines.Scan(); {
		if name, value, ok := strings.Cut(lines.Text(), ":"); ok {
			info[name] = value
		}
	}
	return info
}

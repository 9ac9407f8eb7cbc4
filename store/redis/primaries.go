package redis

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/valkey-io/valkey-go"
)

// allSlots is how many parts the keys of a cluster are divided into.
const allSlots = 16384

var (
	errNoPrimary = errors.New("the server does not answer as a primary with its replicas")
	errGap       = errors.New("the primaries do not serve all keys together: the cluster is changing, or a part of it is down")
)

// primary is a server that takes writes.
type primary struct {
	valkey.Client
	standing
}

// standing is what a server says of itself.
type standing struct {
	id    string
	slots []string // ranges in decimal; in brackets those that are being moved
}

// alone is how a server stands that is no node of a cluster.
var alone = standing{slots: []string{"0-" + strconv.Itoa(allSlots-1)}}

// count returns the number of slots.
func (s standing) count() (n int) {
	for _, r := range s.slots {
		first, last, isRange := strings.Cut(r, "-")
		if !isRange {
			last = first
		}
		a, err := strconv.ParseUint(first, 10, 14)
		b, err2 := strconv.ParseUint(last, 10, 14)
		if err == nil && err2 == nil && a <= b {
			n += int(b-a) + 1
		}
	}
	return n
}

// moving tells whether the server is giving keys away or receiving some.
func (s standing) moving() bool {
	return slices.ContainsFunc(s.slots, func(r string) bool { return strings.HasPrefix(r, "[") })
}

// primaries returns the nodes that hold all records together, in an order that
// does not depend on who asks. Each node speaks for itself, since what they say
// of others may be old.
func (s *Store) primaries(ctx context.Context, nodes map[string]valkey.Client) ([]primary, error) {
	var (
		mu    sync.Mutex
		all   []primary
		n     int
		cause error
		wg    sync.WaitGroup
	)
	for _, node := range nodes {
		wg.Go(func() {
			own, err := s.stand(ctx, node)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				cause = err // a node that is no primary is one, too
				return
			}
			all = append(all, primary{node, own})
			n += own.count()
		})
	}
	wg.Wait()
	if n != allSlots {
		return nil, cmp.Or(cause, errGap)
	}
	slices.SortFunc(all, func(a, b primary) int { return cmp.Compare(a.id, b.id) })
	return all, nil
}

// stand asks a server whether it is a primary, and for which slots.
func (s *Store) stand(ctx context.Context, server valkey.CoreClient) (standing, error) {
	switch s.target.mode {
	case cluster:
		text, err := server.Do(ctx, server.B().ClusterNodes().Build()).ToString()
		if err != nil {
			return standing{}, err
		}
		own, ok := parseNodes(text)
		if !ok {
			return standing{}, errNoPrimary
		}
		return own, nil
	case sentinel:
		if err := s.leads(server.Do(ctx, server.B().Role().Build())); err != nil {
			return standing{}, err
		}
		return alone, nil
	}
	return alone, server.Do(ctx, server.B().Ping().Build()).Error()
}

// leads reads the answer to ROLE: master, a number, and the replicas. One that
// has too few of these to confirm a write may have been replaced.
func (s *Store) leads(answer valkey.ValkeyResult) error {
	role, err := answer.ToArray()
	if err != nil {
		return err
	}
	if len(role) < 3 {
		return errNoPrimary
	}
	name, err := role[0].ToString()
	if err != nil || name != "master" {
		return errNoPrimary
	}
	replicas, err := role[2].ToArray()
	if err != nil || len(replicas) < s.target.replicas {
		return errNoPrimary
	}
	return nil
}

// parseNodes reads CLUSTER NODES: one line for each node, with its id, its
// flags in the third column, and its slots after the eighth. It returns what
// the node that answered says of itself, and false unless that is a primary
// with slots and reaches most of those: a node that is cut off goes on
// answering while others take its place.
func parseNodes(text string) (own standing, ok bool) {
	all, reached := 0, 0
	for line := range strings.Lines(text) {
		fields := strings.Fields(line)
		if len(fields) < 9 {
			continue
		}
		node, flags := standing{fields[0], fields[8:]}, strings.Split(fields[2], ",")
		if !slices.Contains(flags, "master") || node.count() == 0 {
			continue
		}
		all++
		if !slices.Contains(flags, "fail") && !slices.Contains(flags, "fail?") {
			reached++
		}
		if slices.Contains(flags, "myself") {
			own, ok = node, true
		}
	}
	return own, ok && reached > all/2
}

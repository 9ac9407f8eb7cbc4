package memory

import (
	"container/heap"
	"slices"
	"sync"
	"time"

	"github.com/wayleave/wayleave/store"
)

// shard holds the records of some keys. Its lock may be held while the
// index's is taken, never the other way round, and never two shards' at once.
type shard struct {
	mu      sync.RWMutex
	tables  map[store.Table]*dense[store.Key, *node]
	expiry  expiry
	version store.Version // the last one given, to any record of the shard
	_       [56]byte      // two shards do not share a cache line
}

// find returns the node under key, live or not, or nil.
func (sh *shard) find(table store.Table, key store.Key) *node {
	if t := sh.tables[table]; t != nil {
		return t.m[key]
	}
	return nil
}

// add makes a node for a name that has none.
func (sh *shard) add(id name, st *state) *node {
	n := &node{name: id}
	sh.set(n, st)
	if sh.tables == nil {
		sh.tables = make(map[store.Table]*dense[store.Key, *node])
	}
	if sh.tables[id.table] == nil {
		sh.tables[id.table] = new(dense[store.Key, *node])
	}
	sh.tables[id.table].put(id.key, n)
	heap.Push(&sh.expiry, n)
	return n
}

// change gives a node another state.
func (sh *shard) change(n *node, st *state) {
	sh.set(n, st)
	heap.Fix(&sh.expiry, n.place)
}

// set numbers the state for the whole shard, not for the record: a version
// must not come back with a record that is made anew under the same key.
func (sh *shard) set(n *node, st *state) {
	sh.version++
	st.version = sh.version
	n.now.Store(st)
}

func (sh *shard) drop(n *node) {
	sh.tables[n.table].remove(n.key)
	heap.Remove(&sh.expiry, n.place)
}

func (sh *shard) len(table store.Table) int {
	sh.mu.RLock()
	defer sh.mu.RUnlock()
	if t := sh.tables[table]; t != nil {
		return len(t.m)
	}
	return 0
}

func (sh *shard) clear() {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	sh.tables, sh.expiry = nil, nil
}

// remove takes a node out of the shard, whose lock is held, and the store.
func (s *Store) remove(sh *shard, n *node) {
	sh.drop(n)
	s.index.unlink(n)
	s.bounds.shrink(1, n.now.Load().cost)
}

// tidy removes a few expired records of one shard, each time another. Since a
// write adds one record and may remove several, garbage shrinks with traffic,
// whichever keys the traffic is about.
func (s *Store) tidy() {
	s.expire(&s.shards[s.hand.Add(1)%shardCount], 4)
}

// reclaim removes some expired records and reports whether there were any.
func (s *Store) reclaim() bool {
	first := s.hand.Add(1)
	for i := range uint32(shardCount) {
		if s.expire(&s.shards[(first+i)%shardCount], 64) {
			return true
		}
	}
	return false
}

// expire removes at most that many expired records, few enough that nobody
// waits long for the lock, and reports whether there were any.
func (s *Store) expire(sh *shard, most int) (found bool) {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	now := time.Now()
	for range most {
		if len(sh.expiry) == 0 || sh.expiry[0].live(now) != nil {
			break
		}
		s.remove(sh, sh.expiry[0])
		found = true
	}
	return found
}

// expiry is a heap (see container/heap) with the record that expires first on top.
type expiry []*node

func (e expiry) Len() int { return len(e) }

func (e expiry) Less(i, j int) bool {
	return e[i].now.Load().record.Expires.Before(e[j].now.Load().record.Expires)
}

func (e expiry) Swap(i, j int) {
	e[i], e[j] = e[j], e[i]
	e[i].place, e[j].place = i, j
}

// Push is for container/heap alone.
func (e *expiry) Push(x any) {
	n := x.(*node)
	n.place = len(*e)
	*e = append(*e, n)
}

// Pop is for container/heap alone. It gives memory back, as dense does.
func (e *expiry) Pop() any {
	last := len(*e) - 1
	n := (*e)[last]
	(*e)[last] = nil
	*e = (*e)[:last]
	if cap(*e) > 64 && last < cap(*e)/4 {
		*e = slices.Clone(*e)
	}
	return n
}

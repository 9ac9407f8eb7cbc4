package memory

import (
	"sync"
	"time"

	"github.com/wayleave/wayleave/store"
)

// index finds records by their look-up keys. One lock is enough: it is taken
// to write only when a record comes, goes, or changes its look-up keys.
type index struct {
	mu    sync.RWMutex
	heads dense[name, *link] // first of the list of each look-up key
}

// link is one record's place in the list of one look-up key.
type link struct {
	node       *node
	secondary  store.Key
	prev, next *link
}

// relink registers the node under the look-up keys of its present state, and
// under no other, in one step for those who list.
func (x *index) relink(n *node) {
	keys := n.now.Load().record.Lookups
	if len(keys) == 0 && len(n.links) == 0 {
		return
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	x.cut(n)
	n.links = make([]link, len(keys))
	for i, k := range keys {
		l := &n.links[i]
		*l = link{node: n, secondary: k, next: x.heads.m[name{n.table, k}]}
		if l.next != nil {
			l.next.prev = l
		}
		x.heads.put(name{n.table, k}, l)
	}
}

// unlink removes the node from all lists.
func (x *index) unlink(n *node) {
	if len(n.links) == 0 {
		return
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	x.cut(n)
}

// cut does what unlink does, under the lock.
func (x *index) cut(n *node) {
	for i := range n.links {
		l := &n.links[i]
		if l.next != nil {
			l.next.prev = l.prev
		}
		switch {
		case l.prev != nil:
			l.prev.next = l.next
		case l.next != nil:
			x.heads.put(name{n.table, l.secondary}, l.next)
		default:
			x.heads.remove(name{n.table, l.secondary})
		}
	}
	n.links = nil
}

// list returns the keys of at most limit live records, and whether there are more.
func (x *index) list(id name, limit int) (keys []store.Key, more bool) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	now := time.Now()
	for l := x.heads.m[id]; l != nil; l = l.next {
		switch {
		case l.node.live(now) == nil:
		case len(keys) == limit:
			return keys, true
		default:
			keys = append(keys, l.node.key)
		}
	}
	return keys, false
}

func (x *index) clear() {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.heads = dense[name, *link]{}
}

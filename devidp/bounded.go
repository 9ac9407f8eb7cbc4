package devidp

import (
	"container/list"
	"time"
)

// bounded is a map whose entries all live equally long and whose size has a
// limit: when full, the oldest entry goes. Nothing sweeps it in the background,
// each put drops what has expired. Equal lifetimes keep the list in order of
// expiry, so that both cost the same however full the map is.
//
// It is not safe for concurrent use; [memory] holds the lock.
type bounded[V any] struct {
	lifetime time.Duration
	limit    int
	items    map[string]*list.Element
	order    *list.List // of boundedEntry[V], oldest in front
}

type boundedEntry[V any] struct {
	key     string
	value   V
	expires time.Time
}

func newBounded[V any](lifetime time.Duration, limit int) *bounded[V] {
	return &bounded[V]{lifetime, limit, map[string]*list.Element{}, list.New()}
}

func (b *bounded[V]) put(key string, value V, now time.Time) {
	b.remove(key)
	for front := b.order.Front(); front != nil; front = b.order.Front() {
		oldest := front.Value.(boundedEntry[V])
		if len(b.items) < b.limit && now.Before(oldest.expires) {
			break
		}
		b.remove(oldest.key)
	}
	b.items[key] = b.order.PushBack(boundedEntry[V]{key, value, now.Add(b.lifetime)})
}

// get returns the zero value for what is absent or expired.
func (b *bounded[V]) get(key string, now time.Time) (V, bool) {
	if element, ok := b.items[key]; ok {
		if entry := element.Value.(boundedEntry[V]); now.Before(entry.expires) {
			return entry.value, true
		}
	}
	var none V
	return none, false
}

func (b *bounded[V]) remove(key string) {
	if element, ok := b.items[key]; ok {
		b.order.Remove(element)
		delete(b.items, key)
	}
}

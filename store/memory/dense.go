package memory

import "maps"

// dense is a map that gives memory back: one of Go's keeps the room of its
// largest size for ever, which after a flood would be most of the process.
// The zero dense is empty. Read m, write through the methods.
type dense[K comparable, V any] struct {
	m    map[K]V
	peak int // largest size since m was made
}

func (d *dense[K, V]) put(k K, v V) {
	if d.m == nil {
		d.m = make(map[K]V)
	}
	d.m[k] = v
	d.peak = max(d.peak, len(d.m))
}

// remove copies the map when it has shrunk to a quarter, so that each copied
// entry is paid for by three removed ones.
func (d *dense[K, V]) remove(k K) {
	delete(d.m, k)
	if d.peak < 64 || len(d.m) > d.peak/4 {
		return
	}
	m := make(map[K]V, len(d.m))
	maps.Copy(m, d.m)
	d.m, d.peak = m, len(m)
}

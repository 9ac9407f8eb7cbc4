package devidp

import (
	"fmt"
	"testing"
	"time"
)

func TestBounded(t *testing.T) {
	start := time.Unix(0, 0)
	has := func(b *bounded[int], key string, at time.Time) bool {
		_, ok := b.get(key, at)
		return ok
	}
	t.Run("the oldest entry goes when it is full", func(t *testing.T) {
		b := newBounded[int](time.Hour, 3)
		for i := range 5 {
			b.put(fmt.Sprint(i), i, start)
		}
		for i, want := range []bool{false, false, true, true, true} {
			if has(b, fmt.Sprint(i), start) != want {
				t.Errorf("entry %d: want %t", i, want)
			}
		}
	})
	t.Run("an entry put again is the newest", func(t *testing.T) {
		b := newBounded[int](time.Hour, 2)
		b.put("a", 1, start)
		b.put("b", 2, start)
		b.put("a", 3, start)
		b.put("c", 4, start)
		if value, _ := b.get("a", start); value != 3 || has(b, "b", start) {
			t.Error("want a renewed and b gone")
		}
	})
	t.Run("entries expire exactly at the end of their lifetime", func(t *testing.T) {
		b := newBounded[int](time.Hour, 9)
		b.put("a", 1, start)
		if !has(b, "a", start.Add(time.Hour-1)) || has(b, "a", start.Add(time.Hour)) {
			t.Error("want it there until the hour is over")
		}
	})
	t.Run("a put drops what has expired", func(t *testing.T) {
		b := newBounded[int](time.Hour, 1_000)
		for i := range 500 {
			b.put(fmt.Sprint(i), i, start)
		}
		b.put("late", 1, start.Add(time.Hour))
		if len(b.items) != 1 || b.order.Len() != 1 {
			t.Errorf("%d items, %d in order", len(b.items), b.order.Len())
		}
	})
}

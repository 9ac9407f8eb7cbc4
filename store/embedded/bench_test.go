package embedded_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/wayleave/wayleave/store/embedded"
)

const recordSize = 530 // of a session's value

// filled opens a store on the disk with n sessions in it.
func filled(b *testing.B, n int) *embedded.Store {
	b.Helper()
	s := open(b, newPath(b))
	s.Hurry(true)
	fill(b, s, n, recordSize)
	s.Hurry(false)
	return s
}

func get(b *testing.B, s *embedded.Store, n int) {
	if _, _, found, err := s.Get(context.Background(), sessions, key(n)); err != nil || !found {
		b.Error(found, err)
	}
}

// Warm is a record that was used recently, cold one that is read from the file
// (whose pages the system has in memory).
func BenchmarkEmbeddedGet(b *testing.B) {
	const n = 10_000
	s := filled(b, n)
	b.Run("warm", func(b *testing.B) {
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			get(b, s, i%256)
		}
	})
	b.Run("warm/parallel", func(b *testing.B) {
		var start atomic.Int64
		b.RunParallel(func(pb *testing.PB) {
			for i := int(start.Add(331)); pb.Next(); i++ {
				get(b, s, i%256)
			}
		})
	})
	b.Run("cold", func(b *testing.B) {
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			s.ForgetOne(key(i % n))
			get(b, s, i%n)
		}
	})
	b.Run("cold/parallel", func(b *testing.B) {
		var start atomic.Int64
		b.RunParallel(func(pb *testing.PB) {
			for i := int(start.Add(331)); pb.Next(); i++ {
				s.ForgetOne(key(i % n))
				get(b, s, i%n)
			}
		})
	})
	b.Run("absent", func(b *testing.B) {
		for i := 0; b.Loop(); i++ {
			if _, _, found, err := s.Get(context.Background(), sessions, key(n+i)); err != nil || found {
				b.Fatal(found, err)
			}
		}
	})
}

// Each write waits for the disk. BenchmarkEmbeddedFloor is what it cannot do
// without.
func BenchmarkEmbeddedCreate(b *testing.B) {
	s := filled(b, 1000)
	var next atomic.Int64
	next.Store(1000)
	benchmarkWrites(b, s, func() error {
		i := int(next.Add(1))
		_, err := s.Create(context.Background(), sessions, key(i), session(i))
		return err
	})
}

// As when a session is used: the same size, the same look-up keys.
func BenchmarkEmbeddedReplace(b *testing.B) {
	const n = 10_000
	s := filled(b, n)
	var next atomic.Int64
	benchmarkWrites(b, s, func() error {
		i := int(next.Add(1)) % n
		_, version, _, err := s.Get(context.Background(), sessions, key(i))
		if err != nil {
			return err
		}
		_, err = s.Replace(context.Background(), sessions, key(i), version, session(i))
		return err
	})
}

func benchmarkWrites(b *testing.B, s *embedded.Store, write func() error) {
	b.Run("callers=1", func(b *testing.B) {
		for b.Loop() {
			if err := write(); err != nil {
				b.Fatal(err)
			}
		}
	})
	for _, callers := range []int{8, 64} {
		b.Run(fmt.Sprint("callers=", callers), func(b *testing.B) {
			before, most := s.Commits(), int64(b.N)
			var begun atomic.Int64
			together(callers, func() {
				for begun.Add(1) <= most {
					if err := write(); err != nil {
						b.Error(err)
						return
					}
				}
			})
			b.ReportMetric(float64(b.N)/float64(max(s.Commits()-before, 1)), "writes/commit")
		})
	}
}

// What one durable write cannot do without: to write, and to wait for the disk.
func BenchmarkEmbeddedFloor(b *testing.B) {
	f, err := os.Create(filepath.Join(b.TempDir(), "floor"))
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	row := []byte(strings.Repeat("v", recordSize))
	for b.Loop() {
		if _, err := f.Write(row); err != nil {
			b.Fatal(err)
		}
		if err := f.Sync(); err != nil {
			b.Fatal(err)
		}
	}
}

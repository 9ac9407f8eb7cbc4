// Package sample has one of each thing that an API can have.
package sample

import (
	"context"
	"errors"
	"time"
)

const (
	Untyped      = "text"
	Typed   Kind = iota
	Wait         = 2 * time.Second
	hidden       = 1
)

var ErrFirst, errHidden = errors.New("first"), errors.New("hidden")

type Kind int

func (k Kind) String() string { return "" }

func (k *Kind) Set(text string) error { return nil }

type Config struct {
	Name   string
	OnDone func(ctx context.Context, ids ...string) (ok bool, err error)
	Hooks  map[string][]func(at *time.Time)
	Base
	*common
	secret string
}

type Base struct{ Level Kind }

type common struct {
	Shared int
	own    int
}

func (c *common) Promote(n int) *Config { return nil }

func (c *common) keep() {}

type Store interface {
	context.Context
	Put(ctx context.Context, key [32]byte) (n int, err error)
}

type Closed interface{ closed() }

type Number interface{ ~int | ~float64 }

type List[T any] struct{ Items []T }

func (l *List[T]) Add(items ...T) {}

func Map[K comparable, V Number](in map[K]V, f func(k K) V) chan<- V { return nil }

type Alias = List[string]

type Func func(name string) error

func New(cfg Config) (*Config, error) { return nil, nil }

func hiddenFunc() {}

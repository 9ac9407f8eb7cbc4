//go:build linux

package main

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
)

// programs are those of one round, all started afresh.
type programs struct {
	bare, unpooled, floor *listening
	nginx, plain, peer    *listening   // nil: not installed; plain is nginx that asks nobody
	gateways              []*listening // over each of the stores
}

// listening is a program that serves the app, with those that it needs.
type listening struct {
	*child
	name, address string
	pids          []int  // whose processor time counts
	cookie        string // of a session
}

// round starts all and lets them take their turns.
func (b *bench) round() (err error) {
	var p programs
	defer func() {
		b.endRound()
		if err != nil {
			err = errors.Join(err, p.said())
		}
	}()
	if err := b.startRound(&p); err != nil {
		return err
	}
	return b.measure(&p)
}

// startRound starts all programs of a round and signs in at each.
func (b *bench) startRound(p *programs) (err error) {
	if p.bare, err = b.itself("bare", b.backendAddress); err != nil {
		return err
	}
	if p.unpooled, err = b.itself("unpooled", b.backendAddress); err != nil {
		return err
	}
	if p.floor, err = b.itself("floor", b.backendAddress, "http://"+b.providerAddress); err != nil {
		return err
	}
	for _, s := range b.stores {
		g, err := b.overStore(s)
		if err != nil {
			return err
		}
		p.gateways = append(p.gateways, g)
	}
	if p.nginx, p.plain, err = b.besideNginx(); err != nil && !b.skip(err) {
		return err
	}
	if p.peer, err = b.oauth2proxy(); err != nil && !b.skip(err) {
		return err
	}
	for _, l := range p.signIns() {
		if err := b.signIn(l); err != nil {
			return err
		}
	}
	return nil
}

func (b *bench) itself(role string, args ...string) (*listening, error) {
	address, c, err := b.startSelf(servingCore, role, args...)
	if err != nil {
		return nil, err
	}
	return &listening{child: c, name: role, address: address, pids: []int{c.Pid()}}, nil
}

// overStore starts the gateway; a store's own server counts too.
func (b *bench) overStore(s store) (*listening, error) {
	url := s.url
	if url == "" {
		url = b.newFile(s.name + ".db")
	}
	c, address, err := b.gateway(s.name, "", url)
	if err != nil {
		return nil, err
	}
	l := &listening{child: c, name: s.name, address: address, pids: []int{c.Pid()}}
	if s.server != nil {
		l.pids = append(l.pids, s.server.Pid())
	}
	return l, nil
}

// newFile is the URL of an embedded store with nothing in it.
func (b *bench) newFile(name string) string {
	file := filepath.Join(b.dir, name)
	_ = os.Remove(file) // of the round before
	return "file:" + file
}

// besideNginx starts nginx with the gateway that it asks.
func (b *bench) besideNginx() (asking, plain *listening, err error) {
	address, err := free()
	if err != nil {
		return nil, nil, err
	}
	g, asked, err := b.gateway("beside", address, b.newFile("beside.db"))
	if err != nil {
		return nil, nil, err
	}
	open, err := free()
	if err != nil {
		return nil, nil, err
	}
	n, err := b.nginx(address, open, asked)
	if err != nil {
		return nil, nil, err
	}
	return &listening{child: n, name: "nginx", address: address, pids: []int{n.Pid(), g.Pid()}}, &listening{child: n, address: open, pids: []int{n.Pid()}}, nil
}

func (b *bench) signIn(l *listening) error {
	r, err := job{Kind: "sign in", Targets: []target{l.page("")}}.run()
	l.cookie = r.Cookie
	return err
}

// signIns are those at which people sign in.
func (p *programs) signIns() []*listening {
	all := append(slices.Clone(p.gateways), p.floor, p.nginx, p.peer)
	return slices.DeleteFunc(all, func(l *listening) bool { return l == nil })
}

// said is what all printed at last, for a round that failed.
func (p *programs) said() error {
	var all []error
	for _, l := range p.signIns() {
		all = append(all, l.said())
	}
	return errors.Join(all...)
}

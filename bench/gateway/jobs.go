//go:build linux

package main

import (
	"net/http"
	"slices"
	"time"
)

// page is a target that is asked for a page, with the session if there is one.
func (l *listening) page(name string) target {
	return target{Name: name, Address: l.address, Path: "/reports/2026?month=11", Header: withCookie(person, l.cookie), Want: http.StatusOK, Pids: l.pids}
}

// login is a page that is asked for without a session.
func (l *listening) login(name string) target {
	return (&listening{address: l.address, pids: l.pids}).page(name)
}

// refused is what a script is told that has no session, or a cookie of its own making.
func (l *listening) refused(name, cookie string) target {
	t := l.login(name)
	t.Header, t.Want = withCookie(script, cookie), http.StatusUnauthorized
	return t
}

// measure measures all that is measured in a round.
func (b *bench) measure(p *programs) error {
	gateway := p.gateways[0]
	pages := []target{p.bare.page("bare"), p.unpooled.page("unpooled"), p.floor.page("floor")}
	logins := []target{p.floor.login("floor, login")}
	for _, g := range p.gateways {
		pages = append(pages, g.page(g.name))
		logins = append(logins, g.login(g.name+", login"))
	}
	if p.nginx != nil {
		pages = append(pages, p.nginx.page("nginx"), p.plain.page("nginx, plain"))
	}
	if p.peer != nil {
		pages = append(pages, p.peer.page("oauth2-proxy"))
		logins = append(logins, p.peer.login("oauth2-proxy, login"))
	}
	pages = append(pages, gateway.refused("anonymous", ""), gateway.refused("forged", forged(gateway.cookie)))
	paced := []target{p.bare.page("bare, paced"), gateway.page("paced")}
	for _, j := range []job{
		{Kind: "page", Targets: pages, Connections: 64, Turn: b.turn, Turns: 20},
		// Those who sign in take turns of their own length: each is several requests.
		{Kind: "login", Targets: logins, Connections: 16, Turn: 2 * b.turn, Turns: 10},
		{Kind: "paced", Targets: paced, Connections: 16, Turn: 5 * b.turn, Turns: 5, Rate: 2000},
	} {
		if err := b.take(j); err != nil {
			return err
		}
	}
	return nil
}

// take has a job done and keeps what it found. The first target is the yardstick.
func (b *bench) take(j job) error {
	yardstick := j.Targets[0].Name
	j.Targets = slices.DeleteFunc(j.Targets, func(t target) bool { return t.Name != yardstick && !b.only.MatchString(t.Name) })
	if len(j.Targets) == 1 {
		return nil
	}
	r, err := j.run()
	if err != nil {
		return err
	}
	b.others = append(b.others, r.Others)
	for i, t := range j.Targets {
		b.seen.add(t.Name, r.Results[i], r.Results[0])
	}
	return nil
}

// forged turns the letters of every cookie around, so that it has the form of a
// real one and is none.
func forged(cookies string) string {
	out := []byte(cookies)
	inValue := false
	for i, c := range out {
		switch {
		case c == '=':
			inValue = true
		case c == ';':
			inValue = false
		case inValue && c >= 'a' && c <= 'z':
			out[i] = 'a' + 'z' - c
		}
	}
	return string(out)
}

// abandoned begins logins, and no more.
func abandoned(c *child, address string, count int) job {
	t := target{Name: "abandoned", Address: address, Path: "/auth/dev/login?return_to=%2Freports%2F2026", Header: person, Want: http.StatusSeeOther, Count: count, Pids: []int{c.Pid()}}
	return job{Kind: "page", Targets: []target{t}, Connections: 64, Turn: time.Hour, Turns: 1}
}

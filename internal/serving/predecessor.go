package serving

import (
	"context"
	"encoding/json"
	"errors"
	"os"
)

// message is what a successor tells, one JSON object a line. The predecessor's
// answer is one byte: go on.
type message struct {
	State     string // prepared, serving, failed
	Exclusive string `json:",omitempty"` // of prepared: Plan.Exclusive
	Error     string `json:",omitempty"` // of failed
}

// predecessor is the process that we take over from. Nil: there is none.
type predecessor struct{ tells, hears *os.File }

func newPredecessor(tells, hears *os.File) *predecessor {
	return &predecessor{tells, hears}
}

// prepared waits until the predecessor has given up what is exclusive, if there
// is such a thing.
func (p *predecessor) prepared(ctx context.Context, exclusive string) error {
	if p == nil {
		return nil
	}
	p.tell(message{State: "prepared", Exclusive: exclusive})
	answer := make(chan error, 1)
	go func() {
		_, err := p.hears.Read(make([]byte, 1))
		answer <- err
	}()
	select {
	case err := <-answer:
		if err != nil {
			return errors.New("the process that we take over from ended before it handed over")
		}
		return nil
	case <-ctx.Done():
		return errors.New("interrupted while the process that we take over from drained")
	}
}

func (p *predecessor) serving() {
	if p != nil {
		p.tell(message{State: "serving"})
		p.tells.Close()
		p.hears.Close()
	}
}

func (p *predecessor) failed(err error) {
	if p != nil && err != nil {
		p.tell(message{State: "failed", Error: err.Error()})
	}
}

// tell ignores that nobody listens any more: prepared finds that out.
func (p *predecessor) tell(m message) { json.NewEncoder(p.tells).Encode(m) }

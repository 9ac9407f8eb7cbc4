package main

import (
	"context"
	"fmt"
	"io"
)

// liveKeys is what a running wayleave says of its keys: GET /keys. Nil: nobody
// was asked.
type liveKeys struct {
	Keys []struct {
		ID      string `json:"id"`
		Active  bool   `json:"active"`
		Records int    `json:"records"`
	} `json:"keys"`
	Resealing struct {
		Running bool `json:"running"`
		Done    int  `json:"done"`
		Left    int  `json:"left"`
	} `json:"resealing"`
}

func askKeys(ctx context.Context, address string) (*liveKeys, error) {
	admin, err := openAdmin(address)
	if err != nil {
		return nil, err
	}
	var live liveKeys
	return &live, admin.getJSON(ctx, "/keys", &live)
}

// records is how many records a key still seals. False: not known.
func (live *liveKeys) records(id string) (int, bool) {
	if live == nil {
		return 0, false
	}
	for _, k := range live.Keys {
		if k.ID == id {
			return k.Records, true
		}
	}
	return 0, false
}

// active is the id of the key that seals, or nothing.
func (live *liveKeys) active() string {
	for _, k := range live.Keys {
		if k.Active {
			return k.ID
		}
	}
	return ""
}

// explain says what the table cannot: where the file and the running processes
// differ, and how far re-sealing is.
func (live *liveKeys) explain(w io.Writer, listed []listedKey) error {
	if live == nil {
		return nil
	}
	inFile := map[string]bool{}
	for _, k := range listed {
		inFile[k.ID] = true
		if _, ok := live.records(k.ID); !ok {
			fmt.Fprintf(w, "The running wayleave does not know key %s: restart it to read the file.\n", k.ID)
		}
	}
	for _, k := range live.Keys {
		id := printable(k.ID)
		if !inFile[k.ID] {
			fmt.Fprintf(w, "The running wayleave has key %s, which is not in this file; it seals %s.\n", id, count(k.Records, "record"))
		}
	}
	if active := live.active(); active != listed[0].ID {
		fmt.Fprintf(w, "The running wayleave seals with key %s: restart it to seal with %s.\n", printable(active), listed[0].ID)
	}
	if live.Resealing.Running {
		fmt.Fprintf(w, "Sealing again: %s done, %d left.\n", count(live.Resealing.Done, "record"), live.Resealing.Left)
	}
	return nil
}

// count is a number with its noun.
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

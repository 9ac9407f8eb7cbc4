package main

import (
	"context"
	"encoding/json"
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/wayleave/wayleave/internal/keyfile"
)

// listedKey is a key as "keys list --json" prints it.
type listedKey struct {
	ID       string     `json:"id"`
	Use      string     `json:"use"` // "seals", "waits" or "opens"
	Added    *time.Time `json:"added,omitempty"`
	Promoted *time.Time `json:"promoted,omitempty"`
	Records  *int       `json:"records,omitempty"`
}

func listKeys(ctx context.Context, c *invocation, file string) error {
	f, err := keyfile.Read(file)
	if err != nil {
		return err
	}
	var live *liveKeys
	if c.admin != "" {
		if live, err = askKeys(ctx, c.admin); err != nil {
			return err
		}
	}
	listed := describe(f, live)
	if c.json {
		enc := json.NewEncoder(c.stdout)
		enc.SetIndent("", "  ")
		doc := map[string]any{"keys": listed}
		if live != nil {
			doc["resealing"] = live.Resealing
		}
		return enc.Encode(doc)
	}
	w := tabwriter.NewWriter(c.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprint(w, "KEY\tUSE\tADDED\tPROMOTED\tRECORDS\n")
	for _, k := range listed {
		records := "?"
		if k.Records != nil {
			records = fmt.Sprint(*k.Records)
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", k.ID, useWords[k.Use], day(k.Added), day(k.Promoted), records)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	return live.explain(c.stdout, listed)
}

var useWords = map[string]string{
	"seals": "seals and opens",
	"waits": "opens; next to seal",
	"opens": "opens only",
}

func describe(f *keyfile.File, live *liveKeys) []listedKey {
	waiting, _ := f.Waiting()
	var listed []listedKey
	for i, e := range f.Entries() {
		k := listedKey{ID: e.ID.String(), Use: "opens", Added: known(e.Added), Promoted: known(e.Promoted)}
		switch {
		case i == 0:
			k.Use = "seals"
		case e.ID == waiting.ID:
			k.Use = "waits"
		}
		if records, ok := live.records(k.ID); ok {
			k.Records = &records
		}
		listed = append(listed, k)
	}
	return listed
}

func known(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

func day(t *time.Time) string {
	if t == nil {
		return "-"
	}
	return t.UTC().Format("2006-01-02 15:04 UTC")
}

package wayleave

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"time"

	"github.com/wayleave/wayleave/store"
)

// claimsLife names the time for which the claims of a store of one process have
// been kept without a break: they may end with the process, and so must the
// logins that they protect. The name lies among the claims themselves, so that it
// ends with them, and an Auth that takes the place of another on the same store
// finds it. Zero: the claims outlive the process.
func (l *ledger) claimsLife(ctx context.Context) uint64 {
	if !l.store.SingleProcess() {
		return 0
	}
	var b [8]byte
	rand.Read(b[:])
	b[7] |= 1 // not zero
	key := store.Key(sha256.Sum256([]byte("wayleave life of the claims")))
	for range 2 { // another Auth may make it at the same moment
		if rec, _, found, err := l.store.Get(ctx, claimTable, key); err == nil && found && len(rec.Value) == len(b) {
			return binary.BigEndian.Uint64(rec.Value)
		}
		if _, err := l.store.Create(ctx, claimTable, key, store.Record{Value: b[:], Expires: time.Now().AddDate(20, 0, 0)}); err == nil {
			break
		}
	}
	return binary.BigEndian.Uint64(b[:]) // of a store that is full or closed: ours alone
}

package wayleave

import (
	"time"

	"github.com/wayleave/wayleave/internal/index"
	"github.com/wayleave/wayleave/internal/seal"
	"github.com/wayleave/wayleave/store"
)

// ledger is what the processes that share a store tell each other about logins
// and logouts under way: which logins are claimed, which browsers and which of
// the provider's sessions were just signed out, which logout tokens were used.
// It keeps nothing for longer than a login can be answered or a token be sent again.
type ledger struct {
	store store.Store
	index *index.Index
	ring  *seal.Ring
}

// storeDeadline bounds what a login or logout asks of a store that does not answer.
const storeDeadline = 5 * time.Second

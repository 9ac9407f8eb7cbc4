package wayleave

import (
	"context"
	"net/http"

	"github.com/wayleave/wayleave/oauth"
	"github.com/wayleave/wayleave/vault"
)

// OfflineClient returns an HTTP client that is authorised as a user who need
// not be there: for jobs at night. It works with the grant that the user gave
// at a provider whose entry asks for offline access, until they disconnect the
// account or the provider ends it. userID is [User].ID. If there is no such
// grant the error is [ErrLoginRequired], and so are those of requests after it
// has ended; others are passing.
//
// The client is like that of [Auth.Client], and may be kept while ctx lives.
func (a *Auth) OfflineClient(ctx context.Context, userID, provider string) (*http.Client, error) {
	source, err := a.offlineSource(ctx, userID, provider)
	if err != nil {
		return nil, err
	}
	return a.clientFor(source, provider), nil
}

// OfflineTokenSource is OfflineClient for API libraries that make their own requests.
func (a *Auth) OfflineTokenSource(ctx context.Context, userID, provider string) (oauth.TokenSource, error) {
	source, err := a.offlineSource(ctx, userID, provider)
	if err != nil {
		return nil, err // and no source: one that is nil would not be a nil interface
	}
	return source, nil
}

func (a *Auth) offlineSource(ctx context.Context, userID, provider string) (*tokenSource, error) {
	grant, err := a.vault.Kept(ctx, userID, provider)
	if err != nil {
		return nil, asLoginRequired(err)
	}
	return &tokenSource{a: a, grant: grant}, nil
}

// Connection is a grant that a user gave for use while they are away.
type Connection = vault.KeptGrant

// Connections returns what a user has connected, by provider's name.
func (a *Auth) Connections(ctx context.Context, userID string) ([]Connection, error) {
	return a.vault.KeptGrants(ctx, userID)
}

// Disconnect gives up the grant for use while the user is away, and has the
// provider revoke it; if the provider is down now, as soon as it is back. The
// user's sessions go on, without tokens where they had them from this grant.
func (a *Auth) Disconnect(ctx context.Context, userID, provider string) error {
	a.startUpkeep()
	return a.vault.Disconnect(ctx, userID, provider)
}

// EndSessions signs a user out on all browsers, such as after their account was
// closed or their rights were taken away. It returns how many sessions it ended.
func (a *Auth) EndSessions(ctx context.Context, userID string) (int, error) {
	return a.endAll(ctx, userID, endedByApp, nil)
}

package wayleave

import (
	"context"
	"sync"

	"github.com/wayleave/wayleave/oauth"
	"github.com/wayleave/wayleave/provider"
)

// ProviderCheck is what a provider says about itself, for people who set it up.
type ProviderCheck struct {
	Name string
	// Err is why logins cannot begin; nil: they can, as far as one can tell
	// without a person.
	Err error
	// RedirectURI has to be registered at the provider, exactly as it stands.
	RedirectURI string
	// BackChannelLogoutURI can be registered, so that the provider ends sessions
	// here; empty if the provider does not offer it.
	BackChannelLogoutURI string
	// CanRevoke: tokens can be given back at logout.
	CanRevoke bool
}

// CheckProviders asks each provider for its metadata, all at once, and says what
// came of it, in the order of Config.Providers. For one whose endpoints are all
// configured there is nothing to ask.
func (a *Auth) CheckProviders(ctx context.Context) []ProviderCheck {
	checks := make([]ProviderCheck, len(a.providers))
	var all sync.WaitGroup
	for i, p := range a.providers {
		all.Go(func() { checks[i] = a.checkProvider(ctx, p) })
	}
	all.Wait()
	return checks
}

func (a *Auth) checkProvider(ctx context.Context, p *provider.Provider) ProviderCheck {
	c := ProviderCheck{Name: p.Name(), RedirectURI: p.Client.RedirectURI()}
	pending := p.Client.Pending()
	pending.ReturnTo = a.cfg.Home
	// The login is begun and never ends: nothing of it is kept anywhere.
	if _, c.Err = p.Client.Authorize(ctx, a.sealer.Begin(pending), oauth.Hints{}); c.Err != nil {
		return c
	}
	if c.CanRevoke, c.Err = p.Client.CanRevoke(ctx); c.Err != nil {
		return c
	}
	channels, err := p.Client.LogoutChannels(ctx)
	if c.Err = err; channels.BackChannel {
		c.BackChannelLogoutURI = a.cfg.BaseURL + a.cfg.BasePath + "/" + p.Name() + "/backchannel-logout"
	}
	return c
}

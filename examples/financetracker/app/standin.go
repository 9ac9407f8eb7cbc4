package app

import (
	"crypto/rand"
	"time"

	"github.com/wayleave/wayleave/devidp"
	"github.com/wayleave/wayleave/oauth"
	"github.com/wayleave/wayleave/provider"
)

// StandIn makes a development provider to be served at issuer, such as
// "http://127.0.0.1:9000", and the options for an app at baseURL that takes it
// for Google. Access tokens live for tokenLifetime, in whole seconds; a short
// one lets people watch the renewal.
//
// Give the two different host names, such as 127.0.0.1 and localhost: cookies
// ignore ports.
func StandIn(baseURL, issuer string, tokenLifetime time.Duration) (*devidp.Server, Options, error) {
	// It is used as Google is, with Google's preset. What differs is where it
	// is, that http is permitted there, and that it has an API to call.
	google := provider.Config{
		Preset:       provider.Google(),
		ClientID:     "finance-tracker",
		ClientSecret: oauth.NewSecret(rand.Text()),
		Issuer:       issuer,
		Development:  true,
		MoreScopes:   []string{transactionsScope},
		Offline:      true, // a refresh token, so that access can be renewed
	}
	idp, err := devidp.New(devidp.Options{
		Issuer:              issuer,
		Label:               "Development provider, in Google’s place",
		AccessTokenLifetime: tokenLifetime,
		Clients: []devidp.Client{{
			ID:           google.ClientID,
			Secret:       google.ClientSecret.Reveal(),
			Name:         "Finance Tracker",
			RedirectURIs: []string{baseURL + "/auth/" + google.EffectiveName() + "/callback"},
		}},
		LogoutChannels: map[string]devidp.LogoutChannel{google.ClientID: {BackChannel: baseURL + "/auth/" + google.EffectiveName() + "/backchannel-logout"}},
	})
	if err != nil {
		return nil, Options{}, err
	}
	return idp, Options{BaseURL: baseURL, Provider: google, StandIn: true, ResourceURL: issuer + "/api"}, nil
}

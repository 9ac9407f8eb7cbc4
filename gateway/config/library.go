package config

import (
	"errors"
	"strings"

	"github.com/wayleave/wayleave/oauth"
)

// ConfigMistakes places what [github.com/wayleave/wayleave.New] found in a
// site, in words of the file. What is no *[oauth.ConfigError] is left out.
func (c *Config) ConfigMistakes(s Site, err error) Mistakes {
	var all Mistakes
	for _, e := range configErrors(err) {
		path := s.Path
		if e.Provider != "" {
			path = "providers." + e.Provider
		}
		if name := keyOf(e.Field); name != "" {
			path = join(path, name)
		}
		switch e.Field { // of the whole file
		case "SessionLifetime", "IdleTimeout", "SessionsPerUser":
			path = "session." + keyOf(e.Field)
		case "Keys", "Store":
			path = keyOf(e.Field)
		}
		all = append(all, c.Mistake(path, inKeys(e.Reason), inKeys(e.Cure)))
	}
	all.sort()
	return all
}

func configErrors(err error) []*oauth.ConfigError {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		var all []*oauth.ConfigError
		for _, e := range joined.Unwrap() {
			all = append(all, configErrors(e)...)
		}
		return all
	}
	if e, ok := errors.AsType[*oauth.ConfigError](err); ok {
		return []*oauth.ConfigError{e}
	}
	return nil
}

// fields are what the library calls the keys, longer names first.
var fields = []string{
	"DevelopmentHosts", "development", "AuthorizationURL", "authorize_url", "UserInfoURL", "userinfo_url", "RevocationURL", "revocation_url",
	"EndSessionURL", "end_session_url", "TokenURL", "token_url", "JWKSURL", "jwks_url", "ClientID", "client_id", "ClientSecret", "client_secret",
	"ClientAuth", "client_auth", "RequireScopes", "require_scopes", "MoreScopes", "more_scopes", "RequireClaims", "require_claims",
	"AuthParams", "auth_params", "CallbackPath", "callback_path", "AllowAddresses", "allow_addresses", "BaseURL", "base_url", "BasePath", "base_path",
	"SessionLifetime", "lifetime", "IdleTimeout", "idle", "SessionsPerUser", "per_user", "Issuer", "issuer", "Tenants", "tenants", "Scopes", "scopes",
	"Subject", "subject", "Home", "home", "Keys", "keys", "Store", "store", "Providers", "providers", "Development", "development: true",
}

// keyOf is empty for fields that a file does not have.
func keyOf(field string) string {
	for i := 0; i < len(fields); i += 2 {
		if fields[i] == field {
			name, _, _ := strings.Cut(fields[i+1], ":")
			return name
		}
	}
	return ""
}

// inKeys says the same with the names of the file.
func inKeys(text string) string {
	text = strings.ReplaceAll(text, "or check the identity in OnSignIn", "or use a rule of the route")
	return strings.NewReplacer(fields...).Replace(text)
}

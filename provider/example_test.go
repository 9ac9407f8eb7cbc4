package provider_test

import (
	"fmt"

	"github.com/wayleave/wayleave/oauth"
	"github.com/wayleave/wayleave/provider"
)

// A vendor that has no preset yet is described by data.
func ExamplePreset() {
	chat := provider.Preset{
		Name: "chat", Label: "Chat",
		Metadata:         oauth.MetadataNone, // it is not OpenID Connect
		AuthorizationURL: "https://chat.example/oauth2/authorize",
		TokenURL:         "https://chat.example/api/oauth2/token",
		UserInfoURL:      "https://chat.example/api/users/me",
		Scopes:           []string{"identify", "email"},
		Dialect:          oauth.Dialect{ResponseScopeSeparators: ","},
		Profile: provider.Profile{
			Subject: "userinfo.id", // what never changes, not the user name
			Emails:  []provider.EmailRule{{Address: "userinfo.email", Verified: []string{"userinfo.verified"}}},
			Name:    []string{"userinfo.display_name", "userinfo.username"},
			Picture: []string{"https://cdn.chat.example/avatars/{userinfo.id}/{userinfo.avatar}.png"},
		},
	}
	p, err := provider.New(provider.Config{Preset: chat, ClientID: "app", ClientSecret: oauth.NewSecret("s3cret")}, "https://app.example/auth/chat/callback", nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(p.Name(), p.Label(), p.Realm())
	// Output: chat Chat https://chat.example
}

// All mistakes are told at once, each with its cure.
func ExampleNew_mistakes() {
	_, err := provider.New(provider.Config{
		Preset:        provider.GitHub(),
		ClientSecret:  oauth.NewSecret("s3cret"),
		RequireClaims: map[string][]string{"hd": {"acme.example"}},
	}, "https://app.example/auth/github/callback", nil)
	fmt.Println(err)
	// Output:
	// provider github: ClientID: is missing; copy it from the registration at the provider
	// provider github: RequireClaims: cannot be checked: only an ID token has claims, and openid is not among the scopes; ask for openid, or check the identity in OnSignIn
}

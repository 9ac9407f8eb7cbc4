package provider

import "github.com/wayleave/wayleave/oauth"

// GitHub is sign-in with GitHub. It is not OpenID Connect: the user is known
// from GitHub's API, by the numeric id, never by the login name, which can be
// given up and taken by somebody else. The e-mail address is the one that the
// user made primary and GitHub verified; the one on the public profile is not
// used. Errors come with status 200, and scopes with commas.
//
// OAuth apps get tokens that do not expire. GitHub Apps have no scopes; their
// tokens expire, and come with refresh tokens that rotate, if the app is
// registered that way.
//
// For an Enterprise Server set AuthorizationURL, TokenURL and UserInfoURL
// (…/api/v3/user); everything else follows them.
func GitHub() Preset {
	return Preset{
		Name:  "github",
		Label: "GitHub",
		Realm: "https://github.com",

		Metadata:         oauth.MetadataNone,
		AuthorizationURL: "https://github.com/login/oauth/authorize",
		TokenURL:         "https://github.com/login/oauth/access_token",
		UserInfoURL:      "https://api.github.com/user",

		ClientAuth: oauth.ClientSecretPost,
		Scopes:     []string{"read:user", "user:email"},
		Dialect: oauth.Dialect{
			ResponseScopeSeparators: ",",
			// GitHub began to send iss in April 2026, and stopped when clients
			// broke that did not know the value. Where it comes it must be this.
			ResponseIssuer:       "/login/oauth",
			RefreshExpiryMembers: []string{"refresh_token_expires_in"},
			// GitHub Apps have refresh tokens, and a word of their own for one that has ended.
			ErrorCodes: map[string]string{"bad_refresh_token": "invalid_grant"},
		},
		Profile: Profile{
			Header:  map[string]string{"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28"},
			Calls:   []Call{{Name: "emails", URL: "user/emails", Optional: true}},
			Subject: "userinfo.id",
			Emails:  []EmailRule{{Address: "emails[primary,verified].email", Verified: []string{"emails[primary,verified].verified"}}},
			Name:    []string{"userinfo.name", "userinfo.login"},
			Picture: []string{"userinfo.avatar_url"},
		},
	}
}

package provider

import "github.com/wayleave/wayleave/oauth"

// Google is Sign in with Google. Refresh tokens come with the first consent
// only, so offline access asks for consent each time. To let in one Workspace
// domain, set Config.RequireClaims to {"hd": {"acme.example"}}: the claim is
// checked in the verified token, not the address of the user. Google returns
// the scopes email and profile under longer names; they are mapped back.
func Google() Preset {
	return Preset{
		Name:  "google",
		Label: "Google",

		Issuer:   "https://accounts.google.com",
		Metadata: oauth.MetadataOpenID,
		// Some of Google's older token endpoints left the scheme out. Nobody
		// else can issue under this name: the keys are Google's all the same.
		IssuerAliases: []string{"accounts.google.com"},
		// Google has no end-session endpoint. Revoking any token takes the app
		// off the list of those that the user has connected.
		RevocationEndsGrant: true,

		ClientAuth:  oauth.ClientSecretPost,
		Scopes:      []string{"openid", "email", "profile"},
		ClaimParams: map[string]string{"hd": "hd"},
		Offline: Offline{AuthParams: map[string]string{
			"access_type": "offline",
			"prompt":      "consent",
		}},
		Dialect: oauth.Dialect{
			ScopeAliases: map[string]string{
				"https://www.googleapis.com/auth/userinfo.email":   "email",
				"https://www.googleapis.com/auth/userinfo.profile": "profile",
			},
			RefreshExpiryMembers: []string{"refresh_token_expires_in"},
		},
		Profile: openIDProfile(),
	}
}

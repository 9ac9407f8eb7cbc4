package provider_test

import (
	"time"

	"github.com/wayleave/wayleave/oauth"
	"github.com/wayleave/wayleave/provider"
)

// The usual token requests.
const (
	postParams  = "client_id client_secret code code_verifier grant_type redirect_uri"
	basicParams = "code code_verifier grant_type redirect_uri"
)

// openID is the profile of a provider that follows OpenID Connect.
func openID(emails ...provider.EmailRule) provider.Profile {
	return provider.Profile{Subject: "id_token.sub", Emails: emails, Name: []string{"userinfo.name", "id_token.name"}, Picture: []string{"userinfo.picture", "id_token.picture"}}
}

func vendors() []vendor {
	return append(append(openIDVendors(), plainVendors()...), nestedVendors()...)
}

func openIDVendors() []vendor {
	return []vendor{
		{
			// Name and e-mail need form_post, and the secret is a token signed
			// for the occasion: neither is data.
			name: "A307 Apple",
			preset: provider.Preset{
				Name: "apple", Label: "Apple", Issuer: "https://appleid.apple.com", Metadata: oauth.MetadataOpenID,
				ClientAuth: oauth.ClientSecretPost, Scopes: []string{"openid"},
				Profile: openID(provider.EmailRule{Address: "id_token.email", Verified: []string{"id_token.email_verified"}, AlsoTrue: []string{"true"}}),
			},
			discovery: map[string]string{"authorization_endpoint": "https://appleid.apple.com/auth/authorize", "token_endpoint": "https://appleid.apple.com/auth/token"},
			claims:    `{"sub":"001234.5f1d2b.0101","nonce_supported":true,"email":"x7k@privaterelay.appleid.example","email_verified":"true","is_private_email":"true"}`,
			token:     `{"access_token":"a1.0.m","token_type":"Bearer","expires_in":3600,"refresh_token":"r1.0.m","id_token":"ID_TOKEN"}`,
			refusal:   answer{status: 400, body: `{"error":"invalid_grant"}`},
			want: wanted{subject: "001234.5f1d2b.0101", email: "x7k@privaterelay.appleid.example", verified: true, scopes: "openid", scope: "openid",
				lives: time.Hour, refresh: true, code: "invalid_grant", tokenParams: postParams},
		},
		{
			name: "A318 LinkedIn",
			preset: provider.Preset{
				Name: "linkedin", Label: "LinkedIn", Issuer: "https://www.linkedin.com/oauth", Metadata: oauth.MetadataOpenID,
				ClientAuth: oauth.ClientSecretPost, Scopes: []string{"openid", "profile", "email"},
				Dialect: oauth.Dialect{NoNonce: true, NoPKCE: true, ResponseScopeSeparators: ",", RefreshExpiryMembers: []string{"refresh_token_expires_in"}},
				Profile: openID(
					provider.EmailRule{Address: "id_token.email", Verified: []string{"id_token.email_verified"}, AlsoTrue: []string{"true"}},
					provider.EmailRule{Address: "userinfo.email", Verified: []string{"userinfo.email_verified"}}),
			},
			discovery: map[string]string{"authorization_endpoint": "https://www.linkedin.com/oauth/v2/authorization",
				"token_endpoint": "https://www.linkedin.com/oauth/v2/accessToken", "userinfo_endpoint": "https://api.linkedin.com/v2/userinfo"},
			claims:  `{"sub":"782bbtaQ","name":"Mara Lind","email":"mara@work.example","email_verified":"true","locale":"en_US"}`,
			token:   `{"access_token":"AQX","expires_in":5183999,"scope":"email,openid,profile","token_type":"Bearer","id_token":"ID_TOKEN"}`,
			answers: map[string]string{"https://api.linkedin.com/v2/userinfo": `{"sub":"782bbtaQ","email_verified":true,"name":"Mara Lind","locale":{"country":"US","language":"en"},"given_name":"Mara","family_name":"Lind","email":"mara@work.example","picture":"https://media.licdn.example/p.jpg"}`},
			refusal: answer{status: 401, body: `{"error":"invalid_client","error_description":"Client authentication failed"}`},
			want: wanted{subject: "782bbtaQ", email: "mara@work.example", verified: true, name: "Mara Lind", picture: "https://media.licdn.example/p.jpg",
				scopes: "email openid profile", scope: "openid profile email", lives: 5183999 * time.Second, code: "invalid_client",
				tokenParams: "client_id client_secret code grant_type redirect_uri"},
		},
		{
			name: "A322 Twitch",
			preset: provider.Preset{
				Name: "twitch", Label: "Twitch", Issuer: "https://id.twitch.tv/oauth2", Metadata: oauth.MetadataOpenID,
				ClientAuth: oauth.ClientSecretPost, Scopes: []string{"openid", "user:read:email"},
				AuthParams: map[string]string{"claims": `{"id_token":{"email":null,"email_verified":null}}`},
				Dialect:    oauth.Dialect{ErrorMember: "message"},
				Profile: provider.Profile{Subject: "id_token.sub", Name: []string{"userinfo.preferred_username"}, Picture: []string{"userinfo.picture"},
					Emails: []provider.EmailRule{{Address: "id_token.email", Verified: []string{"id_token.email_verified"}}}},
			},
			discovery: map[string]string{"authorization_endpoint": "https://id.twitch.tv/oauth2/authorize",
				"token_endpoint": "https://id.twitch.tv/oauth2/token", "userinfo_endpoint": "https://id.twitch.tv/oauth2/userinfo"},
			claims:  `{"sub":"713936733","azp":"client-1.apps.example","preferred_username":"mara","email":"mara@home.example","email_verified":true}`,
			token:   `{"access_token":"rfx2","expires_in":14124,"id_token":"ID_TOKEN","refresh_token":"5b93","scope":["openid","user:read:email"],"token_type":"bearer"}`,
			answers: map[string]string{"https://id.twitch.tv/oauth2/userinfo": `{"sub":"713936733","preferred_username":"Mara","picture":"https://static-cdn.example/p.png","email":"evil@corp.example","email_verified":true}`},
			refusal: answer{status: 400, body: `{"status":400,"message":"Invalid authorization code"}`},
			want: wanted{subject: "713936733", email: "mara@home.example", verified: true, name: "Mara", picture: "https://static-cdn.example/p.png",
				scopes: "openid user:read:email", scope: "openid user:read:email", lives: 14124 * time.Second, refresh: true, code: "Invalid authorization code", tokenParams: postParams,
				params: "claims=%7B%22id_token%22%3A%7B%22email%22%3Anull%2C%22email_verified%22%3Anull%7D%7D"},
		},
		{
			name: "A317 Slack",
			preset: provider.Preset{
				Name: "slack", Label: "Slack", Issuer: "https://slack.com", Metadata: oauth.MetadataOpenID,
				ClientAuth: oauth.ClientSecretPost, Scopes: []string{"openid", "email", "profile"}, Dialect: oauth.Dialect{OKMember: "ok"},
				Profile: provider.Profile{
					Subject: "id_token.https://slack.com/team_id id_token.https://slack.com/user_id",
					Emails:  []provider.EmailRule{{Address: "id_token.email", Verified: []string{"id_token.email_verified"}}},
					Name:    []string{"id_token.name"}, Picture: []string{"id_token.picture"},
				},
			},
			discovery: map[string]string{"authorization_endpoint": "https://slack.com/openid/connect/authorize",
				"token_endpoint": "https://slack.com/api/openid.connect.token", "userinfo_endpoint": "https://slack.com/api/openid.connect.userInfo"},
			claims:  `{"sub":"U0R7MFMJM","https://slack.com/team_id":"T0R7GR","https://slack.com/user_id":"U0R7MFMJM","email":"mara@acme.example","email_verified":true,"name":"Mara Lind","picture":"https://secure.gravatar.example/a.jpg"}`,
			token:   `{"ok":true,"access_token":"xoxp-1234","token_type":"Bearer","id_token":"ID_TOKEN"}`,
			answers: map[string]string{"https://slack.com/api/openid.connect.userInfo": `{"ok":true,"sub":"U0R7MFMJM","https://slack.com/user_id":"U0R7MFMJM","https://slack.com/team_id":"T0R7GR"}`},
			refusal: answer{body: `{"ok":false,"error":"invalid_code"}`},
			want: wanted{subject: "T0R7GR|U0R7MFMJM", email: "mara@acme.example", verified: true, name: "Mara Lind", picture: "https://secure.gravatar.example/a.jpg",
				scopes: "openid email profile", scope: "openid email profile", code: "invalid_code", tokenParams: postParams},
		},
		{
			name: "A327 Salesforce",
			preset: provider.Preset{
				Name: "salesforce", Label: "Salesforce", Issuer: "https://login.salesforce.com", Metadata: oauth.MetadataOpenID,
				ClientAuth: oauth.ClientSecretBasic, Scopes: []string{"openid", "email", "profile"}, Offline: provider.Offline{Scopes: []string{"refresh_token"}},
				Profile: openID(provider.EmailRule{Address: "userinfo.email", Verified: []string{"userinfo.email_verified"}}),
			},
			change: func(c *provider.Config) { c.Offline = true },
			discovery: map[string]string{"authorization_endpoint": "https://login.salesforce.com/services/oauth2/authorize",
				"token_endpoint": "https://login.salesforce.com/services/oauth2/token", "userinfo_endpoint": "https://login.salesforce.com/services/oauth2/userinfo"},
			claims:  `{"sub":"https://login.salesforce.com/id/00DxA/005xB"}`,
			token:   `{"access_token":"00DxA!AQcA","refresh_token":"5Aep861","signature":"mfQ=","scope":"refresh_token openid profile email","id_token":"ID_TOKEN","instance_url":"https://acme.my.salesforce.example","id":"https://login.salesforce.com/id/00DxA/005xB","token_type":"Bearer","issued_at":"1763900000000"}`,
			answers: map[string]string{"https://login.salesforce.com/services/oauth2/userinfo": `{"sub":"https://login.salesforce.com/id/00DxA/005xB","user_id":"005xB","organization_id":"00DxA","name":"Mara Lind","email":"mara@acme.example","email_verified":true,"picture":"https://acme.my.salesforce.example/p/F"}`},
			refusal: answer{status: 400, body: `{"error":"invalid_grant","error_description":"expired authorization code"}`},
			want: wanted{subject: "https://login.salesforce.com/id/00DxA/005xB", email: "mara@acme.example", verified: true, name: "Mara Lind", picture: "https://acme.my.salesforce.example/p/F",
				scopes: "refresh_token openid profile email", scope: "openid email profile refresh_token", refresh: true, code: "invalid_grant", description: "expired authorization code", tokenParams: basicParams, authorization: "Basic"},
		},
		{
			name: "A326 Cognito",
			preset: provider.Preset{
				Name: "cognito", Label: "Cognito", Metadata: oauth.MetadataOpenID, Scopes: []string{"openid", "email", "profile"},
				RequireClaims: map[string][]string{"token_use": {"id"}},
				Profile:       openID(provider.EmailRule{Address: "userinfo.email", Verified: []string{"userinfo.email_verified"}, AlsoTrue: []string{"true"}}),
			},
			// The issuer is on another host than the endpoints.
			change: func(c *provider.Config) { c.Issuer = "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_Abc" },
			discovery: map[string]string{"authorization_endpoint": "https://acme.auth.eu-west-1.amazoncognito.com/oauth2/authorize",
				"token_endpoint": "https://acme.auth.eu-west-1.amazoncognito.com/oauth2/token", "userinfo_endpoint": "https://acme.auth.eu-west-1.amazoncognito.com/oauth2/userInfo"},
			claims:  `{"sub":"aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee","token_use":"id","cognito:username":"mara"}`,
			token:   `{"access_token":"eyJz9sdfsdfsdfsd","refresh_token":"dn43ud8uj32nk2je","id_token":"ID_TOKEN","token_type":"Bearer","expires_in":3600}`,
			answers: map[string]string{"https://acme.auth.eu-west-1.amazoncognito.com/oauth2/userInfo": `{"sub":"aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee","email_verified":"true","email":"mara@home.example","name":"Mara Lind","username":"mara"}`},
			refusal: answer{status: 400, body: `{"error":"invalid_grant"}`},
			want: wanted{subject: "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee", email: "mara@home.example", verified: true, name: "Mara Lind",
				scopes: "openid email profile", scope: "openid email profile", lives: time.Hour, refresh: true, code: "invalid_grant", tokenParams: basicParams, authorization: "Basic"},
		},
	}
}

// none is a preset for a provider without metadata.
func none(name, label, realm, authorize, token, userInfo string) provider.Preset {
	return provider.Preset{Name: name, Label: label, Realm: realm, Metadata: oauth.MetadataNone, AuthorizationURL: authorize, TokenURL: token, UserInfoURL: userInfo, ClientAuth: oauth.ClientSecretPost}
}

func with(p provider.Preset, change func(*provider.Preset)) provider.Preset {
	change(&p)
	return p
}

func plainVendors() []vendor {
	return []vendor{
		{
			name: "A320 Discord",
			preset: with(none("discord", "Discord", "https://discord.com", "https://discord.com/oauth2/authorize", "https://discord.com/api/oauth2/token", "https://discord.com/api/users/@me"), func(p *provider.Preset) {
				p.Scopes = []string{"identify", "email"}
				p.Profile = provider.Profile{Subject: "userinfo.id", Emails: []provider.EmailRule{{Address: "userinfo.email", Verified: []string{"userinfo.verified"}}},
					Name: []string{"userinfo.global_name", "userinfo.username"}, Picture: []string{"https://cdn.discordapp.example/avatars/{userinfo.id}/{userinfo.avatar}.png"}}
			}),
			token:   `{"token_type":"Bearer","access_token":"6qrZcUqja","expires_in":604800,"refresh_token":"D43f5y0ah","scope":"email identify"}`,
			answers: map[string]string{"https://discord.com/api/users/@me": `{"id":"80351110224678912","username":"mara","discriminator":"0","global_name":"Mara","avatar":"8342729096ea","verified":true,"email":"mara@home.example","mfa_enabled":true,"flags":64}`},
			refusal: answer{status: 400, body: `{"error":"invalid_grant","error_description":"Invalid \"code\" in request."}`},
			want: wanted{subject: "80351110224678912", email: "mara@home.example", verified: true, name: "Mara", picture: "https://cdn.discordapp.example/avatars/80351110224678912/8342729096ea.png",
				scopes: "email identify", scope: "identify email", lives: 7 * 24 * time.Hour, refresh: true, code: "invalid_grant", description: "Invalid ?code? in request.", tokenParams: postParams},
		},
		{
			name: "A321 Spotify",
			preset: with(none("spotify", "Spotify", "https://accounts.spotify.com", "https://accounts.spotify.com/authorize", "https://accounts.spotify.com/api/token", "https://api.spotify.com/v1/me"), func(p *provider.Preset) {
				p.ClientAuth, p.Scopes = oauth.ClientSecretBasic, []string{"user-read-email"}
				p.Profile = provider.Profile{Subject: "userinfo.id", Emails: []provider.EmailRule{{Address: "userinfo.email"}}, Name: []string{"userinfo.display_name"}, Picture: []string{"userinfo.images.0.url"}}
			}),
			token:   `{"access_token":"NgCXRK","token_type":"Bearer","scope":"user-read-email","expires_in":3600,"refresh_token":"NgAagA"}`,
			answers: map[string]string{"https://api.spotify.com/v1/me": `{"display_name":"Mara","email":"victim@corp.example","email_verified":true,"id":"1x9v","images":[{"height":300,"url":"https://i.scdn.example/300","width":300},{"height":64,"url":"https://i.scdn.example/64","width":64}],"type":"user"}`},
			refusal: answer{status: 400, body: `{"error":"invalid_grant","error_description":"Invalid authorization code"}`},
			want: wanted{subject: "1x9v", email: "victim@corp.example", name: "Mara", picture: "https://i.scdn.example/300", scopes: "user-read-email", scope: "user-read-email",
				lives: time.Hour, refresh: true, code: "invalid_grant", tokenParams: basicParams, authorization: "Basic"},
		},
		{
			name: "A329 Notion",
			preset: with(none("notion", "Notion", "https://api.notion.com", "https://api.notion.com/v1/oauth/authorize", "https://api.notion.com/v1/oauth/token", ""), func(p *provider.Preset) {
				p.ClientAuth, p.AuthParams, p.Dialect = oauth.ClientSecretBasic, map[string]string{"owner": "user"}, oauth.Dialect{JSONTokenRequest: true}
				p.Profile = provider.Profile{Subject: "token.owner.user.id", Emails: []provider.EmailRule{{Address: "token.owner.user.person.email"}}, Name: []string{"token.owner.user.name"}, Picture: []string{"token.owner.user.avatar_url"}}
			}),
			token:   `{"access_token":"ntn_442","token_type":"bearer","refresh_token":"nrt_435","bot_id":"b3414d65","workspace_id":"0d7d0a68","workspace_name":"Acme","owner":{"type":"user","user":{"object":"user","id":"de34ecef-3b12-4a4b-8a4d-b6a26b4d1d7e","name":"Mara Lind","avatar_url":null,"type":"person","person":{"email":"mara@acme.example"}}},"duplicated_template_id":null}`,
			refusal: answer{status: 400, body: `{"error":"invalid_grant","error_description":"Invalid code."}`},
			want:    wanted{subject: "de34ecef-3b12-4a4b-8a4d-b6a26b4d1d7e", email: "mara@acme.example", name: "Mara Lind", refresh: true, code: "invalid_grant", tokenParams: basicParams, authorization: "Basic", params: "owner=user"},
		},
		{
			name: "HubSpot",
			preset: with(none("hubspot", "HubSpot", "https://app.hubspot.com", "https://app.hubspot.com/oauth/authorize", "https://api.hubapi.com/oauth/v3/token", ""), func(p *provider.Preset) {
				// The address is told only where the access token would have to
				// stand in a URL. It stays unknown.
				p.Scopes, p.Dialect = []string{"oauth"}, oauth.Dialect{ErrorMember: "status", ErrorTextMember: "message"}
				p.Profile = provider.Profile{Subject: "token.user_id token.hub_id"}
			}),
			token:   `{"token_type":"bearer","refresh_token":"na1-1234","access_token":"CJSP5qf1","hub_id":62515,"scopes":["oauth"],"user_id":123,"expires_in":1800}`,
			refusal: answer{status: 400, body: `{"status":"BAD_AUTH_CODE","message":"missing or unknown auth code","correlationId":"7d2c"}`},
			want:    wanted{subject: "123|62515", scopes: "oauth", scope: "oauth", lives: 30 * time.Minute, refresh: true, code: "BAD_AUTH_CODE", description: "missing or unknown auth code", tokenParams: postParams},
		},
		{
			name: "A332 Stripe",
			preset: with(none("stripe", "Stripe", "https://connect.stripe.com", "https://connect.stripe.com/oauth/authorize", "https://connect.stripe.com/oauth/token", ""), func(p *provider.Preset) {
				p.Scopes, p.Profile = []string{"read_write"}, provider.Profile{Subject: "token.stripe_user_id"}
			}),
			token:   `{"access_token":"sk_test_1","livemode":false,"refresh_token":"rt_1","token_type":"bearer","stripe_publishable_key":"pk_test_1","stripe_user_id":"acct_1032D82eZvKYlo2C","scope":"read_write"}`,
			refusal: answer{status: 400, body: `{"error":"invalid_grant","error_description":"Authorization code does not exist: ac_1"}`},
			want:    wanted{subject: "acct_1032D82eZvKYlo2C", scopes: "read_write", scope: "read_write", refresh: true, code: "invalid_grant", tokenParams: postParams},
		},
		{
			name: "A339 Zoho",
			preset: with(none("zoho", "Zoho", "https://accounts.zoho.eu", "https://accounts.zoho.eu/oauth/v2/auth", "https://accounts.zoho.eu/oauth/v2/token", "https://accounts.zoho.eu/oauth/user/info"), func(p *provider.Preset) {
				p.Scopes, p.Dialect = []string{"AaaServer.profile.Read"}, oauth.Dialect{ScopeSeparator: ",", ResponseScopeSeparators: ","}
				p.Offline = provider.Offline{AuthParams: map[string]string{"access_type": "offline", "prompt": "consent"}}
				p.Profile = provider.Profile{Subject: "userinfo.ZUID", Emails: []provider.EmailRule{{Address: "userinfo.Email"}}, Name: []string{"userinfo.First_Name userinfo.Last_Name"}}
			}),
			change:  func(c *provider.Config) { c.Offline, c.MoreScopes = true, []string{"ZohoCRM.users.READ"} },
			token:   `{"access_token":"1000.a.b","refresh_token":"1000.r.s","scope":"AaaServer.profile.Read,ZohoCRM.users.READ","api_domain":"https://www.zohoapis.example","token_type":"Bearer","expires_in":3600}`,
			answers: map[string]string{"https://accounts.zoho.eu/oauth/user/info": `{"First_Name":"Mara","Email":"mara@acme.example","Last_Name":"Lind","Display_Name":"mara","ZUID":20074321001}`},
			refusal: answer{body: `{"error":"invalid_code"}`},
			want: wanted{subject: "20074321001", email: "mara@acme.example", name: "Mara Lind", scopes: "AaaServer.profile.Read ZohoCRM.users.READ", scope: "AaaServer.profile.Read,ZohoCRM.users.READ",
				lives: time.Hour, refresh: true, code: "invalid_code", tokenParams: postParams, params: "access_type=offline&prompt=consent"},
		},
		{
			name: "Figma",
			preset: with(none("figma", "Figma", "https://www.figma.com", "https://www.figma.com/oauth", "https://api.figma.com/v1/oauth/token", "https://api.figma.com/v1/me"), func(p *provider.Preset) {
				p.ClientAuth, p.Scopes = oauth.ClientSecretBasic, []string{"current_user:read"}
				p.Dialect = oauth.Dialect{RefreshURL: "refresh", DefaultTokenType: "Bearer"}
				p.Profile = provider.Profile{Subject: "userinfo.id", Emails: []provider.EmailRule{{Address: "userinfo.email"}}, Name: []string{"userinfo.handle"}, Picture: []string{"userinfo.img_url"}}
			}),
			token:   `{"user_id":8412,"access_token":"figu_1","refresh_token":"figur_1","expires_in":7776000}`,
			answers: map[string]string{"https://api.figma.com/v1/me": `{"id":"8412","email":"mara@acme.example","handle":"Mara","img_url":"https://s3.figma.example/p"}`},
			refusal: answer{status: 400, body: `{"error":true,"status":400,"message":"Invalid code"}`},
			want: wanted{subject: "8412", email: "mara@acme.example", name: "Mara", picture: "https://s3.figma.example/p", scopes: "current_user:read", scope: "current_user:read",
				lives: 90 * 24 * time.Hour, refresh: true, code: "unknown_error", tokenParams: basicParams, authorization: "Basic"},
		},
		{
			name: "Zoom",
			preset: with(none("zoom", "Zoom", "https://zoom.us", "https://zoom.us/oauth/authorize", "https://zoom.us/oauth/token", "https://api.zoom.us/v2/users/me"), func(p *provider.Preset) {
				p.ClientAuth, p.Dialect = oauth.ClientSecretBasic, oauth.Dialect{ErrorTextMember: "reason"}
				p.Profile = provider.Profile{Subject: "userinfo.id", Name: []string{"userinfo.display_name"}, Picture: []string{"userinfo.pic_url"},
					Emails: []provider.EmailRule{{Address: "userinfo.email", Verified: []string{"userinfo.verified"}, AlsoTrue: []string{"1"}}}}
			}),
			token:   `{"access_token":"eyJhbGciOiJIUzUxMiJ9","token_type":"bearer","refresh_token":"eyJhbGciOiJIUzUxMiJ8","expires_in":3599,"scope":"user:read:user","api_url":"https://api.zoom.example"}`,
			answers: map[string]string{"https://api.zoom.us/v2/users/me": `{"id":"KDcuGIm1QgePTO8WbOqwIQ","first_name":"Mara","last_name":"Lind","display_name":"Mara Lind","email":"mara@acme.example","verified":1,"pic_url":"https://zoom.example/p"}`},
			refusal: answer{status: 400, body: `{"reason":"Invalid authorization code","error":"invalid_grant"}`},
			want: wanted{subject: "KDcuGIm1QgePTO8WbOqwIQ", email: "mara@acme.example", verified: true, name: "Mara Lind", picture: "https://zoom.example/p", scopes: "user:read:user",
				lives: 3599 * time.Second, refresh: true, code: "invalid_grant", description: "Invalid authorization code", tokenParams: basicParams, authorization: "Basic"},
		},
	}
}

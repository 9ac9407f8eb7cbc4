package provider_test

import (
	"time"

	"github.com/wayleave/wayleave/oauth"
	"github.com/wayleave/wayleave/provider"
)

// nestedVendors put their answers into envelopes, or need several of them.
func nestedVendors() []vendor {
	return []vendor{
		{
			name: "A319 X",
			preset: with(none("x", "X", "https://x.com", "https://x.com/i/oauth2/authorize", "https://api.x.com/2/oauth2/token", "https://api.x.com/2/users/me?user.fields=confirmed_email,profile_image_url"), func(p *provider.Preset) {
				p.ClientAuth, p.Scopes = oauth.ClientSecretBasic, []string{"users.read", "tweet.read", "users.email"}
				p.Offline = provider.Offline{Scopes: []string{"offline.access"}}
				p.Profile = provider.Profile{Subject: "userinfo.data.id", Emails: []provider.EmailRule{{Address: "userinfo.data.confirmed_email", AlwaysVerified: true}},
					Name: []string{"userinfo.data.name", "userinfo.data.username"}, Picture: []string{"userinfo.data.profile_image_url"}}
			}),
			change:  func(c *provider.Config) { c.Offline = true },
			token:   `{"token_type":"bearer","expires_in":7200,"access_token":"Q0Mz","scope":"users.read tweet.read offline.access users.email","refresh_token":"bWRW"}`,
			answers: map[string]string{"https://api.x.com/2/users/me": `{"data":{"id":"2244994945","name":"Mara","username":"mara","confirmed_email":"mara@home.example","profile_image_url":"https://pbs.twimg.example/p.jpg"}}`},
			refusal: answer{status: 400, body: `{"error":"invalid_request","error_description":"Value passed for the authorization code was invalid."}`},
			want: wanted{subject: "2244994945", email: "mara@home.example", verified: true, name: "Mara", picture: "https://pbs.twimg.example/p.jpg",
				scopes: "users.read tweet.read offline.access users.email", scope: "users.read tweet.read users.email offline.access", lives: 2 * time.Hour, refresh: true,
				code: "invalid_request", tokenParams: basicParams, authorization: "Basic"},
		},
		{
			name: "A333 TikTok",
			preset: with(none("tiktok", "TikTok", "https://www.tiktok.com", "https://www.tiktok.com/v2/auth/authorize", "https://open.tiktokapis.com/v2/oauth/token/", "https://open.tiktokapis.com/v2/user/info/?fields=open_id,avatar_url,display_name"), func(p *provider.Preset) {
				p.Scopes = []string{"user.info.basic"}
				p.Dialect = oauth.Dialect{ClientIDParam: "client_key", ScopeSeparator: ",", ResponseScopeSeparators: ",", RefreshExpiryMembers: []string{"refresh_expires_in"}}
				p.Profile = provider.Profile{Subject: "userinfo.data.user.open_id", Name: []string{"userinfo.data.user.display_name"}, Picture: []string{"userinfo.data.user.avatar_url"}}
			}),
			change:  func(c *provider.Config) { c.MoreScopes = []string{"video.list"} },
			token:   `{"access_token":"act.1","expires_in":7200,"open_id":"afd97af1-b87b","refresh_expires_in":15552000,"refresh_token":"rft.1","scope":"user.info.basic,video.list","token_type":"Bearer"}`,
			answers: map[string]string{"https://open.tiktokapis.com/v2/user/info/": `{"data":{"user":{"avatar_url":"https://p19.tiktokcdn.example/p","open_id":"afd97af1-b87b","display_name":"admin@corp.example"}},"error":{"code":"ok","message":"","log_id":"2022"}}`},
			refusal: answer{body: `{"error":"invalid_request","error_description":"Redirect_uri is not matched with the uri when requesting code.","log_id":"2022"}`},
			want: wanted{subject: "afd97af1-b87b", name: "admin@corp.example", picture: "https://p19.tiktokcdn.example/p", scopes: "user.info.basic video.list", scope: "user.info.basic,video.list",
				lives: 2 * time.Hour, refresh: true, refreshLives: 180 * 24 * time.Hour, code: "invalid_request", params: "client_key=client-1.apps.example",
				tokenParams: "client_key client_secret code code_verifier grant_type redirect_uri"},
		},
		{
			name: "A337 Kakao",
			preset: with(none("kakao", "Kakao", "https://kauth.kakao.com", "https://kauth.kakao.com/oauth/authorize", "https://kauth.kakao.com/oauth/token", "https://kapi.kakao.com/v2/user/me"), func(p *provider.Preset) {
				p.Dialect = oauth.Dialect{RefreshExpiryMembers: []string{"refresh_token_expires_in"}}
				p.Profile = provider.Profile{Subject: "userinfo.id", Name: []string{"userinfo.kakao_account.profile.nickname"}, Picture: []string{"userinfo.kakao_account.profile.profile_image_url"},
					Emails: []provider.EmailRule{{Address: "userinfo.kakao_account.email", Verified: []string{"userinfo.kakao_account.is_email_valid", "userinfo.kakao_account.is_email_verified"}}}}
			}),
			token:   `{"token_type":"bearer","access_token":"k1","expires_in":43199,"refresh_token":"k2","refresh_token_expires_in":5184000,"scope":"account_email profile_nickname"}`,
			answers: map[string]string{"https://kapi.kakao.com/v2/user/me": `{"id":9007199254740993,"connected_at":"2026-04-11T01:45:28Z","kakao_account":{"profile":{"nickname":"마라","profile_image_url":"https://k.kakaocdn.example/p.jpg"},"has_email":true,"is_email_valid":true,"is_email_verified":true,"email":"sample@sample.example"}}`},
			refusal: answer{status: 400, body: `{"error":"invalid_grant","error_description":"authorization code not found","error_code":"KOE320"}`},
			want: wanted{subject: "9007199254740993", email: "sample@sample.example", verified: true, name: "마라", picture: "https://k.kakaocdn.example/p.jpg", scopes: "account_email profile_nickname",
				lives: 43199 * time.Second, refresh: true, refreshLives: 60 * 24 * time.Hour, code: "invalid_grant", tokenParams: postParams},
		},
		{
			name: "A338 Naver",
			preset: with(none("naver", "Naver", "https://nid.naver.com", "https://nid.naver.com/oauth2.0/authorize", "https://nid.naver.com/oauth2.0/token", "https://openapi.naver.com/v1/nid/me"), func(p *provider.Preset) {
				p.Dialect = oauth.Dialect{TextExpiresIn: true, CallbackParams: []string{"state"}}
				p.Profile = provider.Profile{Subject: "userinfo.response.id", Emails: []provider.EmailRule{{Address: "userinfo.response.email"}},
					Name: []string{"userinfo.response.nickname"}, Picture: []string{"userinfo.response.profile_image"}}
			}),
			token:   `{"access_token":"AAAAO","refresh_token":"c8ce","token_type":"bearer","expires_in":"3600"}`,
			answers: map[string]string{"https://openapi.naver.com/v1/nid/me": `{"resultcode":"00","message":"success","response":{"email":"openapi@naver.example","nickname":"OpenAPI","profile_image":"https://ssl.pstatic.example/p.gif","id":"32742776","name":"오픈"}}`},
			refusal: answer{body: `{"error":"invalid_request","error_description":"no valid data in session"}`},
			want: wanted{subject: "32742776", email: "openapi@naver.example", name: "OpenAPI", picture: "https://ssl.pstatic.example/p.gif", lives: time.Hour, refresh: true, code: "invalid_request",
				tokenParams: "client_id client_secret code code_verifier grant_type redirect_uri state"},
		},
		{
			name: "A331 Dropbox",
			preset: with(none("dropbox", "Dropbox", "https://www.dropbox.com", "https://www.dropbox.com/oauth2/authorize", "https://api.dropboxapi.com/oauth2/token", ""), func(p *provider.Preset) {
				p.Scopes, p.Offline = []string{"account_info.read"}, provider.Offline{AuthParams: map[string]string{"token_access_type": "offline"}}
				p.Profile = provider.Profile{
					Calls:   []provider.Call{{Name: "account", URL: "https://api.dropboxapi.com/2/users/get_current_account", Method: "POST"}},
					Subject: "account.account_id", Emails: []provider.EmailRule{{Address: "account.email", Verified: []string{"account.email_verified"}}},
					Name: []string{"account.name.display_name"}, Picture: []string{"account.profile_photo_url"},
				}
			}),
			change:  func(c *provider.Config) { c.Offline = true },
			token:   `{"access_token":"sl.u.1","token_type":"bearer","expires_in":14400,"refresh_token":"nBiM85","scope":"account_info.read","uid":"12345","account_id":"dbid:AAH4"}`,
			answers: map[string]string{"https://api.dropboxapi.com/2/users/get_current_account": `{"account_id":"dbid:AAH4","name":{"given_name":"Mara","surname":"Lind","display_name":"Mara Lind"},"email":"mara@home.example","email_verified":true,"disabled":false,"profile_photo_url":"https://dl-web.dropbox.example/p"}`},
			refusal: answer{status: 400, body: `{"error_description":"code doesn't exist or has expired","error":"invalid_grant"}`},
			want: wanted{subject: "dbid:AAH4", email: "mara@home.example", verified: true, name: "Mara Lind", picture: "https://dl-web.dropbox.example/p", scopes: "account_info.read", scope: "account_info.read",
				lives: 4 * time.Hour, refresh: true, code: "invalid_grant", tokenParams: postParams, params: "token_access_type=offline"},
		},
		{
			name: "Patreon",
			preset: with(none("patreon", "Patreon", "https://www.patreon.com", "https://www.patreon.com/oauth2/authorize", "https://www.patreon.com/api/oauth2/token", "https://www.patreon.com/api/oauth2/v2/identity?fields%5Buser%5D=email,full_name,image_url,is_email_verified"), func(p *provider.Preset) {
				p.Scopes = []string{"identity", "identity[email]"}
				p.Profile = provider.Profile{Subject: "userinfo.data.id", Name: []string{"userinfo.data.attributes.full_name"}, Picture: []string{"userinfo.data.attributes.image_url"},
					Emails: []provider.EmailRule{{Address: "userinfo.data.attributes.email", Verified: []string{"userinfo.data.attributes.is_email_verified"}}}}
			}),
			token:   `{"access_token":"p1","refresh_token":"p2","expires_in":2678400,"scope":"identity identity[email]","token_type":"Bearer","version":"0.0.1"}`,
			answers: map[string]string{"https://www.patreon.com/api/oauth2/v2/identity": `{"data":{"attributes":{"email":"mara@home.example","full_name":"Mara Lind","image_url":"https://c8.patreon.example/p","is_email_verified":true},"id":"12345689","type":"user"},"links":{"self":"https://www.patreon.com/api/oauth2/v2/user/12345689"}}`},
			refusal: answer{status: 401, body: `{"error":"invalid_grant"}`},
			want: wanted{subject: "12345689", email: "mara@home.example", verified: true, name: "Mara Lind", picture: "https://c8.patreon.example/p", scopes: "identity identity[email]", scope: "identity identity[email]",
				lives: 31 * 24 * time.Hour, refresh: true, code: "invalid_grant", tokenParams: postParams},
		},
		{
			name: "Bitbucket",
			preset: with(none("bitbucket", "Bitbucket", "https://bitbucket.org", "https://bitbucket.org/site/oauth2/authorize", "https://bitbucket.org/site/oauth2/access_token", "https://api.bitbucket.org/2.0/user"), func(p *provider.Preset) {
				p.ClientAuth, p.Scopes = oauth.ClientSecretBasic, []string{"account", "email"}
				p.Profile = provider.Profile{Calls: []provider.Call{{Name: "emails", URL: "user/emails", Optional: true}}, Subject: "userinfo.uuid", Name: []string{"userinfo.display_name"}, Picture: []string{"userinfo.links.avatar.href"},
					Emails: []provider.EmailRule{{Address: "emails.values[is_primary,is_confirmed].email", Verified: []string{"emails.values[is_primary,is_confirmed].is_confirmed"}}}}
			}),
			token: `{"scopes":"account email","access_token":"bb1=","expires_in":7200,"token_type":"bearer","state":"authorization_code","refresh_token":"bb2"}`,
			answers: map[string]string{
				"https://api.bitbucket.org/2.0/user":        `{"display_name":"Mara Lind","links":{"avatar":{"href":"https://secure.gravatar.example/p"}},"account_id":"557058:8b","uuid":"{5f1d2b3c-0000-4000-8000-1234567890ab}","username":"mara","type":"user"}`,
				"https://api.bitbucket.org/2.0/user/emails": `{"values":[{"type":"email","email":"old@home.example","is_primary":false,"is_confirmed":true},{"type":"email","email":"mara@home.example","is_primary":true,"is_confirmed":true}],"pagelen":10,"size":2,"page":1}`,
			},
			refusal: answer{status: 400, body: `{"error_description":"The specified code is not valid.","error":"invalid_grant"}`},
			want: wanted{subject: "{5f1d2b3c-0000-4000-8000-1234567890ab}", email: "mara@home.example", verified: true, name: "Mara Lind", picture: "https://secure.gravatar.example/p", scopes: "account email", scope: "account email",
				lives: 2 * time.Hour, refresh: true, code: "invalid_grant", tokenParams: basicParams, authorization: "Basic"},
		},
		{
			name: "A316 Facebook",
			preset: with(none("facebook", "Facebook", "https://www.facebook.com", "https://www.facebook.com/dialog/oauth", "https://graph.facebook.com/oauth/access_token", "https://graph.facebook.com/me?fields=id,name,email,picture"), func(p *provider.Preset) {
				p.Scopes, p.Dialect = []string{"email", "public_profile"}, oauth.Dialect{ScopeSeparator: ",", ErrorMember: "error.type", ErrorTextMember: "error.message"}
				p.Profile = provider.Profile{Subject: "userinfo.id", Emails: []provider.EmailRule{{Address: "userinfo.email"}}, Name: []string{"userinfo.name"}, Picture: []string{"userinfo.picture.data.url"}}
			}),
			token:   `{"access_token":"EAAC","token_type":"bearer","expires_in":5183944}`,
			answers: map[string]string{"https://graph.facebook.com/me": `{"id":"10221063","name":"Mara Lind","picture":{"data":{"height":50,"is_silhouette":false,"url":"https://platform-lookaside.example/p","width":50}}}`},
			refusal: answer{status: 400, body: `{"error":{"message":"This authorization code has been used.","type":"OAuthException","code":100,"error_subcode":36009,"fbtrace_id":"AlNr"}}`},
			want: wanted{subject: "10221063", name: "Mara Lind", picture: "https://platform-lookaside.example/p", scopes: "email public_profile", scope: "email,public_profile",
				lives: 5183944 * time.Second, code: "OAuthException", description: "This authorization code has been used.", tokenParams: postParams},
		},
	}
}

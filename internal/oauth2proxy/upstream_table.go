package oauth2proxy

var upstreamOptions = []option{
	{"upstream", "upstreams", list, Mapped, "routes[].upstream", "http, https and unix; files and fixed answers have no equivalent", "", 0},
	{"upstream-timeout", "upstream_timeout", duration, Mapped, "routes[].upstream.timeout", "", "", 0},
	{"pass-host-header", "pass_host_header", boolean, Mapped, "routes[].upstream.pass_host", "", "true", 0},
	{"proxy-websockets", "proxy_websockets", boolean, NoEquivalent, "", "WebSockets are passed, from the site's own origin and those in origins", "true", 0},
	{"flush-interval", "flush_interval", duration, NotNeeded, "", "streams are passed on at once", "", 0},
	{"disable-keep-alives", "disable_keep_alives", boolean, NoEquivalent, "", "connections to upstreams are kept", "false", 0},
	{"ssl-upstream-insecure-skip-verify", "ssl_upstream_insecure_skip_verify", boolean, NoEquivalent, "routes[].upstream.ca_file", "on purpose: name the certificate of your authority in upstream: {url: …, ca_file: …}, or use http on this machine", "false", 0},
	{"pass-user-headers", "pass_user_headers", boolean, Mapped, "routes[].headers", "", "", 0},
	{"pass-basic-auth", "pass_basic_auth", boolean, Changed, "routes[].headers", "of it only the X-Forwarded-… headers remain; Authorization: Basic is not sent", "true", 0},
	{"basic-auth-password", "basic_auth_password", text, NoEquivalent, "routes[].assertion", "no password is sent to upstreams; one that wants proof gets assertion: AUDIENCE, a signed JWT", "", secret},
	{"prefer-email-to-user", "prefer_email_to_user", boolean, Mapped, "routes[].headers", "", "false", 0},
	{"pass-access-token", "pass_access_token", boolean, Changed, "routes[].access_token", "the token is sent as Authorization: Bearer, and not as X-Forwarded-Access-Token", "false", 0},
	{"pass-authorization-header", "pass_authorization_header", boolean, Changed, "routes[].assertion", "the provider's ID token is not passed on; X-Wayleave-Assertion is a JWT signed by the gateway, for the same audience", "false", 0},
	{"set-authorization-header", "set_authorization_header", boolean, Changed, "routes[].assertion", "the provider's ID token is not passed on; X-Wayleave-Assertion is a JWT signed by the gateway, for the same audience", "false", 0},
	{"set-xauthrequest", "set_xauthrequest", boolean, Changed, "routes[].headers", "with auth_request the headers keep their names; answers to browsers carry none of them", "false", 0},
	{"set-basic-auth", "set_basic_auth", boolean, NoEquivalent, "", "no password is sent to upstreams", "false", 0},
	{"skip-auth-strip-headers", "skip_auth_strip_headers", boolean, NotNeeded, "", "what a client sends under the names of identity headers is always removed, in any spelling", "true", 0},
	{"signature-key", "signature_key", text, NoEquivalent, "routes[].assertion", "requests are not signed as a whole; assertion: AUDIENCE sends a signed JWT that says who is there", "", secret},
}

package config

import (
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/wayleave/wayleave/gateway/identity"
)

const upstreamWhat = "an address such as http://127.0.0.1:3000"

var upstreamShape = either(upstreamURL(), object("upstream", "a map with url", []key[Upstream]{
	at("url", upstreamURL(), func(u *Upstream) *Upstream { return u }, "http, https, h2c (HTTP/2 without TLS), or unix:/path/to.sock. A path in it is put in front of the request's.").must(),
	at("ca_file", filePath("the path of a PEM file"), func(u *Upstream) *string { return &u.CAFile }, "Certificate authorities for this https upstream, instead of the system's."),
	at("pass_host", boolean(), func(u *Upstream) *bool { return &u.PassHost }, "The upstream sees the public Host; else its own.").or("true"),
	at("timeout", duration(), func(u *Upstream) *time.Duration { return &u.Timeout }, "How long until its answer begins.").or("60s"),
}, checkUpstream))

func upstreamURL() shape[Upstream] {
	schema := pattern(`^((https?|h2c)://[^/?#@ ]+(/[^?#]*)?|unix:/.+)$`, "http://127.0.0.1:3000", "h2c://127.0.0.1:50051", "unix:/run/app.sock")
	return scalar(upstreamWhat, schema, func(text string) (Upstream, *fault) {
		up := Upstream{PassHost: true, Timeout: time.Minute}
		if strings.HasPrefix(text, "unix:") {
			a, f := parseAddress(text)
			up.Socket, up.URL = a.Address, &url.URL{Scheme: "http", Host: "localhost"}
			return up, f
		}
		u, err := url.Parse(text)
		switch {
		case err != nil || u.Scheme != "http" && u.Scheme != "https" && u.Scheme != "h2c":
			return up, &fault{cure: "the schemes are http, https, h2c and unix"}
		case u.Hostname() == "" || strings.HasSuffix(u.Host, ":") || u.Opaque != "":
			return up, &fault{}
		case u.User != nil:
			return up, &fault{"holds a user or a password", "remove what stands before the @"}
		case u.RawQuery != "" || u.ForceQuery || strings.Contains(text, "#"):
			return up, &fault{"holds a query or a fragment", "write scheme, host and path alone"}
		}
		if u.Path = strings.TrimSuffix(u.Path, "/"); u.RawPath != "" {
			return up, &fault{"has an ambiguous path", "write the path without encoded slashes"}
		} else if u.Path != "" {
			if f := cleanPath(u.Path); f != nil {
				return up, &fault{"has the path " + u.Path + ", which " + f.reason, f.cure}
			}
		}
		if up.H2C = u.Scheme == "h2c"; up.H2C {
			u.Scheme = "http"
		}
		up.URL = u
		return up, nil
	})
}

func checkUpstream(d *decoder, f found, u *Upstream) {
	if n, path := f.at("ca_file"); f.clean && u.CAFile != "" && u.URL.Scheme != "https" {
		d.bad(n, path, "means nothing: the upstream is not https", "remove it, or use https")
	}
}

func names(r *Route) *identity.Names { return &r.Headers }

var headersShape = either(
	scalar("wayleave, oauth2-proxy or none", map[string]any{"enum": []string{"wayleave", "oauth2-proxy", "none"}}, func(text string) (identity.Names, *fault) {
		switch text {
		case "wayleave":
			return identity.Default(), nil
		case "oauth2-proxy":
			return identity.OAuth2Proxy(), nil
		case "none":
			return identity.Names{}, nil
		}
		return identity.Names{}, &fault{cure: didYouMean(text, []string{"wayleave", "oauth2-proxy", "none"})}
	}),
	headerNames)

var headerNames = object("headers", "a map of header names", []key[identity.Names]{
	at("user", headerName(), func(n *identity.Names) *string { return &n.User }, "The stable id of the user."),
	at("provider", headerName(), func(n *identity.Names) *string { return &n.Provider }, "The name of the provider."),
	at("subject", headerName(), func(n *identity.Names) *string { return &n.Subject }, "What the provider calls the user."),
	at("email", headerName(), func(n *identity.Names) *string { return &n.Email }, "The address, only if it is verified."),
	at("name", headerName(), func(n *identity.Names) *string { return &n.Name }, "What people call the user."),
	at("groups", headerName(), func(n *identity.Names) *string { return &n.Groups }, "The groups, separated by commas."),
	at("groups_cut", headerName(), func(n *identity.Names) *string { return &n.GroupsCut }, "Says `true` where groups had to be left out."),
}, checkHeaders)

var headerRE = regexp.MustCompile("^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,64}$")

// unusable are headers that mean something else to proxies and apps: by these
// names an identity would be dropped, or would change how a request is read.
var unusable = regexp.MustCompile(`(?i)^(connection|keep-alive|proxy-.*|te|trailers?|transfer-encoding|upgrade|host|cookie2?|set-cookie2?|authorization|content-.*|expect|date|range|if-.*|accept.*|origin|referer|via|forwarded|x-forwarded-(for|host|proto|port|prefix|server)|x-real-ip|sec-.*|access-control-.*|cache-control|pragma|max-forwards|http2-settings|traceparent|tracestate|user-agent|x-wayleave-assertion|x-http-method.*|x-method-override|x-original-.*|x-rewrite-url)$`)

func headerName() shape[string] {
	return scalar("the name of a header such as X-User", pattern(headerRE.String(), "X-User"), func(text string) (string, *fault) {
		switch {
		case !headerRE.MatchString(text):
			return "", &fault{cure: "use up to 64 letters, digits and hyphens"}
		case unusable.MatchString(text):
			return "", &fault{"is " + text + ", which means something else to proxies and apps", "use a name such as X-User"}
		}
		return text, nil
	})
}

func checkHeaders(d *decoder, f found, n *identity.Names) {
	if len(f.n.Content) == 0 {
		d.bad(f.n, f.path, "is empty", "write none, or the names")
	}
	// Apps fold case, and hyphens to underscores.
	fold := strings.NewReplacer("-", "_", ".", "_")
	seen := map[string]bool{}
	for _, h := range []struct{ key, name string }{{"user", n.User}, {"provider", n.Provider}, {"subject", n.Subject}, {"email", n.Email}, {"name", n.Name}, {"groups", n.Groups}, {"groups_cut", n.GroupsCut}} {
		folded := fold.Replace(strings.ToLower(h.name))
		if seen[folded] && h.name != "" {
			at, path := f.at(h.key)
			d.bad(at, path, "is the header of something else too", "give each a name of its own")
		}
		seen[folded] = true
	}
}

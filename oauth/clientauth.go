package oauth

import (
	"context"
	"encoding/base64"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// chooseAuth picks the one method that is used for every request: what is
// configured, else the best that the metadata names, else the default of
// RFC 8414 section 2. Nothing is found out by trying: a second attempt would
// send the code twice.
func (c *Client) chooseAuth(ctx context.Context, srv *serverMetadata) (ClientAuth, error) {
	if c.cfg.ClientAuth != "" {
		return c.cfg.ClientAuth, nil
	}
	if c.cfg.ClientSecret.IsZero() {
		return ClientAuthNone, nil
	}
	if srv.authMethods == nil {
		return ClientSecretBasic, nil
	}
	return c.chooseSecret(ctx, StepTokens, srv.authMethods)
}

// chooseSecret picks the best way to authenticate with a secret.
func (c *Client) chooseSecret(ctx context.Context, step Step, offered []string) (ClientAuth, error) {
	for _, m := range []ClientAuth{ClientSecretBasic, ClientSecretPost} {
		if slices.Contains(offered, string(m)) {
			return m, nil
		}
	}
	return "", c.tell.refused(ctx, &Error{Step: step, Check: CheckDiscovery, Fault: FaultProvider,
		Reason: "the provider offers no way to authenticate with a client secret", Expected: "client_secret_basic or client_secret_post",
		Got: printable(strings.Join(offered, " ")), Cure: "set ClientAuth if the metadata is wrong"})
}

// chooseRevocationAuth: as at the token endpoint, unless the metadata says that
// the revocation endpoint wants it otherwise (RFC 8414 section 2).
func (c *Client) chooseRevocationAuth(ctx context.Context, srv *serverMetadata) (ClientAuth, error) {
	offered := srv.revocationAuth
	if offered == nil || c.cfg.ClientSecret.IsZero() {
		return c.chooseAuth(ctx, srv)
	}
	if slices.Contains(offered, string(c.cfg.ClientAuth)) {
		return c.cfg.ClientAuth, nil
	}
	return c.chooseSecret(ctx, StepUse, offered)
}

// authenticate adds the client's credentials to a token request, in the header
// or in the body, never in both and never in a URL (RFC 6749 section 2.3.1).
func (c *Client) authenticate(method ClientAuth, h http.Header, form url.Values) {
	switch method {
	case ClientSecretBasic:
		id, secret := c.cfg.ClientID, c.cfg.ClientSecret.Reveal()
		if !c.cfg.Dialect.RawBasicAuth {
			id, secret = url.QueryEscape(id), url.QueryEscape(secret)
		}
		h.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(id+":"+secret)))
	case ClientSecretPost:
		form.Set(c.clientIDParam(), c.cfg.ClientID)
		form.Set("client_secret", c.cfg.ClientSecret.Reveal())
	case ClientAuthNone:
		form.Set(c.clientIDParam(), c.cfg.ClientID)
	}
}

package provider

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"strings"
	"time"

	"github.com/wayleave/wayleave/internal/strictjson"
	"github.com/wayleave/wayleave/oauth"
)

// Identity is who signed in, as one provider tells it.
type Identity struct {
	// ID names the account: a hash of Issuer and Subject. It is the same
	// whatever the provider is called in the configuration, and it is what
	// an app keys its users by: never the e-mail address, which changes hands.
	ID       string
	Provider string // Config.Name
	Issuer   string
	Subject  string
	// Email is empty if the provider tells none that is one. Use it for
	// decisions only if EmailVerified.
	Email         string
	EmailVerified bool
	Name          string // for display; at most 200 characters, none of them control characters
	Picture       string // for display; an http or https URL chosen by the user, never fetched here
	// Claims is everything that the provider told, by source: id_token
	// (verified), userinfo, token, and the preset's calls.
	Claims oauth.Claims
}

// Values returns what the provider told under a claim's name, or a path such as
// "realm_access.roles": the verified ID token's, or if it has none, that of
// userinfo. A path that begins with a source, such as "userinfo.groups" or
// "id_token.groups", is looked for there alone. Values that are not text or a
// list of texts are none; so is a list that the provider left out because it was
// too long.
func (id *Identity) Values(path string) []string {
	if source := sourceOf(path); id.Claims.Has(source) {
		return id.Claims.Texts(path)
	}
	if first := fromIDToken + "." + path; id.Claims.Contains(first) {
		return id.Claims.Texts(first)
	}
	return id.Claims.Texts(fromUserInfo + "." + path)
}

// IDOf returns the ID of an account: 22 characters of base64url.
func IDOf(issuer, subject string) string {
	h := sha256.New()
	for _, s := range []string{"wayleave account", issuer, subject} {
		var n [8]byte
		binary.BigEndian.PutUint64(n[:], uint64(len(s)))
		h.Write(n[:])
		h.Write([]byte(s))
	}
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil)[:16]) // 128 bits
}

// Identify is step 4 of a login: it asks the provider who the tokens belong
// to and maps the answers. In OpenID Connect the subject comes from the
// verified ID token, and userinfo can only add to it.
func (p *Provider) Identify(ctx context.Context, t *oauth.Tokens) (*Identity, error) {
	doc, claims, err := p.collect(ctx, t)
	if err != nil {
		return nil, err
	}
	id := &Identity{Provider: p.name, Issuer: p.realm, Subject: subjectAt(doc, p.profile.Subject), Claims: claims}
	if t.IDToken != nil {
		id.Issuer = p.issuerOf(t.IDToken)
	}
	switch {
	case id.Subject == "":
		return nil, p.refuse(ctx, &oauth.Error{Reason: "the provider does not tell which account this is", Expected: p.profile.Subject,
			Cure: "ask for a scope that includes the profile, or set Subject to where the account's permanent identifier is, such as userinfo.id"})
	case len(id.Subject) > maxSubject:
		return nil, p.refuse(ctx, &oauth.Error{Reason: "the account's identifier is too long", Expected: "at most 255 bytes", Got: "more"})
	}
	id.ID = IDOf(id.Issuer, id.Subject)
	id.Email, id.EmailVerified = p.email(doc)
	id.Name = firstOf(p.profile.Name, func(e string) string { return displayName(textAt(doc, e)) })
	id.Picture = firstOf(p.profile.Picture, func(e string) string { return pictureURL(pictureAt(doc, e)) })
	p.tellIdentified(ctx, id)
	return id, nil
}

// issuerOf makes an alias the issuer itself: one account, one ID. A template
// is no issuer; there the token's own one is complete.
func (p *Provider) issuerOf(t *oauth.IDToken) string {
	if p.Client.IsIssuerAlias(t.Issuer) && !strings.Contains(p.realm, tenantPlaceholder) {
		return p.realm
	}
	return t.Issuer
}

// maxSubject is the limit that OpenID Connect Core section 2 sets for sub.
const maxSubject = 255

// email returns the first verified address, else the first address.
func (p *Provider) email(doc strictjson.Object) (address string, verified bool) {
	for _, rule := range p.profile.Emails {
		a := emailAddress(find(doc, rule.Address))
		if a == "" {
			continue
		}
		if rule.vouchedFor(doc) {
			return a, true
		}
		if address == "" {
			address = a
		}
	}
	return address, false
}

// vouchedFor reports whether the provider has verified the rule's address.
func (r EmailRule) vouchedFor(doc strictjson.Object) bool {
	for _, path := range r.Verified {
		if !isTrue(doc, path, r.AlsoTrue) {
			return false
		}
	}
	return r.AlwaysVerified || len(r.Verified) > 0
}

// refuse completes an error of step 4 and tells about it.
func (p *Provider) refuse(ctx context.Context, e *oauth.Error) error {
	e.Step, e.Check, e.Fault = oauth.StepUse, oauth.CheckProfile, oauth.FaultProvider
	if p.onEvent != nil {
		p.onEvent(ctx, oauth.Checked{Is: p.about(ctx), Check: e.Check, Expected: e.Expected, Got: e.Got, Err: e})
	}
	return e
}

// tellIdentified tells which account it is. What a step established also says
// that optional calls which were refused on the way are not how it ended.
func (p *Provider) tellIdentified(ctx context.Context, id *Identity) {
	if p.onEvent == nil {
		return
	}
	subject := displayName(id.Subject)
	p.onEvent(ctx, oauth.Checked{Is: p.about(ctx), Check: oauth.CheckProfile, Expected: p.profile.Subject, Got: subject})
	p.onEvent(ctx, oauth.Established{Is: p.about(ctx), What: "it is known which account this is",
		Params: []oauth.Param{{Name: "issuer", Value: id.Issuer}, {Name: "subject", Value: subject}, {Name: "id", Value: id.ID}}})
}

func (p *Provider) about(ctx context.Context) oauth.About {
	return oauth.About{Time: time.Now(), Login: oauth.LoginID(ctx), Provider: p.name, Step: oauth.StepUse}
}

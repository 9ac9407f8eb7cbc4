package provider

import (
	"maps"
	"slices"
)

// Profile says where the user's identity is found. The places are paths into
// one document with the members "id_token" (verified claims), "userinfo",
// "token" (what else the token answer had) and one for each of Calls:
//
//	userinfo.name                    a member of an object; a name with dots in it needs no quotes
//	userinfo.images.0.url            an element of an array
//	emails[primary,verified].email   of the first element in which these members are true
//	userinfo.first userinfo.last     several, joined
type Profile struct {
	// SkipUserInfo: there is a userinfo URL, but the identity is elsewhere.
	SkipUserInfo bool
	// Header is sent with every call that asks for the profile.
	Header map[string]string
	// Calls are made with the access token besides userinfo.
	Calls []Call

	// Subject identifies the account for ever: one path, or several, all of
	// which must be there. Values are strings or integers, exactly as written.
	// With an ID token they must be part of it: nothing else is verified.
	Subject string
	// Emails are tried in order; the first verified one wins, else the first.
	Emails []EmailRule
	// Name and Picture are alternatives, the first that is there wins. A
	// picture may also be a URL with paths in braces:
	// "https://cdn.example/{userinfo.id}/{userinfo.avatar}.png".
	Name    []string
	Picture []string
}

// Call is one request to an API of the provider.
type Call struct {
	Name string // of the member with the answer: small letters, digits, underscores
	// URL may be relative to the userinfo URL: "user/emails". The access token
	// is sent there.
	URL    string
	Method string // "" means GET
	// Optional: the login goes on if the provider refuses to answer, as it
	// does when a scope is missing. If it cannot answer, the login fails all
	// the same: who somebody is must not depend on what is out of order.
	Optional bool
}

// EmailRule finds an e-mail address and whether the provider vouches for it.
// The two belong together: an address from one place is never vouched for by
// another, which is why all paths of a rule begin with the same member.
// Without Verified and AlwaysVerified, the address is never verified.
type EmailRule struct {
	Address string
	// Verified are paths of booleans, all of which must be true.
	Verified []string
	// AlsoTrue are strings or integers that count as true in Verified, as
	// written, for vendors that send "true" or 1.
	AlsoTrue []string
	// AlwaysVerified: the vendor tells only addresses here that it has verified.
	AlwaysVerified bool
}

// openIDProfile is where OpenID Connect puts things (Core section 5.1).
func openIDProfile() Profile {
	return Profile{
		Subject: "id_token.sub",
		Emails: []EmailRule{
			{Address: "id_token.email", Verified: []string{"id_token.email_verified"}},
			{Address: "userinfo.email", Verified: []string{"userinfo.email_verified"}},
		},
		Name:    []string{"userinfo.name", "id_token.name", "userinfo.preferred_username", "id_token.preferred_username"},
		Picture: []string{"userinfo.picture", "id_token.picture"},
	}
}

// oauthProfile is what plain OAuth 2.0 servers with a userinfo URL usually
// answer. Their e-mail addresses are not taken as verified. Of the names that
// the identifier goes by only one is read: were there a second choice, users
// who can add members to their profile could choose who they are.
func oauthProfile() Profile {
	return Profile{
		Subject: "userinfo.sub",
		Emails:  []EmailRule{{Address: "userinfo.email"}},
		Name:    []string{"userinfo.name", "userinfo.preferred_username", "userinfo.login", "userinfo.username"},
		Picture: []string{"userinfo.picture", "userinfo.avatar_url"},
	}
}

func (p Profile) clone() Profile {
	p.Header = maps.Clone(p.Header)
	p.Calls = slices.Clone(p.Calls)
	p.Emails = slices.Clone(p.Emails)
	for i := range p.Emails {
		p.Emails[i].Verified = slices.Clone(p.Emails[i].Verified)
		p.Emails[i].AlsoTrue = slices.Clone(p.Emails[i].AlsoTrue)
	}
	p.Name = slices.Clone(p.Name)
	p.Picture = slices.Clone(p.Picture)
	return p
}

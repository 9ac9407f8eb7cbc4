package provider

import "github.com/wayleave/wayleave/oauth"

// Entra is sign-in with Microsoft Entra ID, for organisations and, where
// Tenants has "*" or the tenant of personal accounts, for those too.
//
// Config.Tenants is required: the GUIDs of the tenants that may sign in, or
// "*". The issuer is one per tenant, and so are accounts: whoever is a guest in
// two tenants is two accounts. The subject is one per app registration;
// Config.Subject "id_token.oid" makes an account the same for all
// registrations of one organisation.
//
// E-mail addresses and user names are for the administrators of any tenant to
// write. An address counts as verified only by the optional claim xms_edov,
// which has to be added to the registration together with email: it says that
// the owner of the address's domain has been verified.
func Entra() Preset {
	return Preset{
		Name:  "entra",
		Label: "Microsoft",

		Issuer:   "https://login.microsoftonline.com/" + tenantPlaceholder + "/v2.0",
		Metadata: oauth.MetadataOpenID,

		ClientAuth: oauth.ClientSecretPost,
		Scopes:     []string{"openid", "email", "profile"},
		Offline:    Offline{Scopes: []string{"offline_access"}},
		Profile: Profile{
			// Graph's userinfo says less than the ID token, and is another
			// service to wait for.
			SkipUserInfo: true,
			Subject:      "id_token.sub",
			Emails: []EmailRule{{
				Address:  "id_token.email",
				Verified: []string{"id_token.xms_edov"},
				AlsoTrue: []string{"1", "true"},
			}},
			Name: []string{"id_token.name", "id_token.preferred_username"},
		},
	}
}

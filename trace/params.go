package trace

import "strings"

// meaning says in plain words what a parameter is for; "" if it is not one
// that people need explained.
func meaning(param string) string { return paramTexts[strings.ToLower(param)] }

var paramTexts = map[string]string{
	"access_token":            "The key to what you allowed.",
	"access_type":             "Whether the app wants access while you are away.",
	"acr_values":              "How strongly you should prove who you are.",
	"authorization":           "The access token, shown as proof.",
	"(client authentication)": "How the app proves that it is the app.",
	"client_assertion":        "The app's proof that it is the app.",
	"client_id":               "Which app is asking.",
	"client_secret":           "The app's own password at the provider.",
	"code":                    "The one-time code. Alone it opens nothing.",
	"code_challenge":          "The fingerprint of a secret that the app keeps and shows in step 3.",
	"code_challenge_method":   "How that fingerprint was made.",
	"code_verifier":           "The secret behind the fingerprint of step 1: only who began the login has it.",
	"email":                   "Your e-mail address, as the provider knows it.",
	"email_verified":          "Whether the provider made sure that it is yours.",
	"error":                   "What went wrong, in the provider's terms.",
	"error_description":       "The provider's own words about it.",
	"expires":                 "When the access token stops working.",
	"grant_type":              "What is handed in in exchange for tokens.",
	"hd":                      "The organisation that the account belongs to.",
	"id_token":                "The signed statement of who signed in.",
	"iss":                     "Which provider is answering.",
	"login_hint":              "Whom the app expects.",
	"max_age":                 "How long ago you may have proved who you are.",
	"name":                    "Your name, as the provider knows it.",
	"nonce":                   "A value for this login alone. It must come back inside the ID token.",
	"prompt":                  "What the provider should ask you.",
	"redirect_uri":            "Where to send you back to.",
	"refresh_token":           "What the app renews the access token with.",
	"response_type":           "What the app wants back: a code.",
	"scope":                   "What the app asks to see or do, or what you allowed.",
	"session_state":           "The provider's mark of your session there.",
	"state":                   "A sealed note of the app to itself. It must come back unchanged.",
	"sub":                     "The provider's number for your account. It never changes.",
	"token_type":              "How the access token is used. Bearer: whoever holds it may use it.",
}

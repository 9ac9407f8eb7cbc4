package trace

import "github.com/wayleave/wayleave/oauth"

// Explain says in one plain sentence what is true when a check passes, and
// what it stops: what could happen if nobody checked. Both are the bare name
// and empty for a check that this package does not know.
func Explain(c oauth.Check) (says, stops string) {
	if t, ok := checkTexts[c]; ok {
		return t.says, t.stops
	}
	return string(c), ""
}

// checkTexts explains every check of package oauth, in the order in which a
// login meets them. A test compares the two.
var checkTexts = map[oauth.Check]struct{ says, stops string }{
	oauth.CheckConfiguration: {
		"The app is set up completely and without contradictions.",
		"A login that begins with something missing, and breaks halfway or in the dark."},
	oauth.CheckDiscovery: {
		"The provider's description of itself can be used.",
		"People or secrets being sent to an address that nobody meant."},
	oauth.CheckDiscoveryIssuer: {
		"The description is about the provider that the app asked for.",
		"One provider posing as another with a description of its own."},
	oauth.CheckEndpoint: {
		"The provider's addresses are encrypted ones, out on the internet.",
		"Secrets travelling in clear, or the app being steered to machines inside its own network."},
	oauth.CheckQuery: {
		"Each part of the answer came once, well formed and in its place.",
		"An answer that reads one way to a guard and another way to the app."},
	oauth.CheckState: {
		"This is the answer to a question that the app asked.",
		"An answer that somebody made up."},
	oauth.CheckStateAge: {
		"The question was asked minutes ago, not hours.",
		"An old sign-in link being picked up and used later."},
	oauth.CheckBrowser: {
		"The answer belongs to this browser.",
		"Somebody else's sign-in link opened in your browser."},
	oauth.CheckEntry: {
		"The login was begun at this provider, as it is set up now.",
		"An answer from one provider being passed off as the answer of another."},
	oauth.CheckResponseIssuer: {
		"The answer names the right provider as its sender.",
		"A dishonest provider getting hold of a code that was meant for another."},
	oauth.CheckSingleUse: {
		"This login has not been completed before.",
		"A copied answer being used a second time."},
	oauth.CheckProviderAnswer: {
		"The provider said yes, and gave a code.",
		"A login that goes on although you or the provider said no."},
	oauth.CheckTokenHTTP: {
		"The provider answered the app's request in the agreed form.",
		"An error page, or the answer of some machine in between, being taken for tokens."},
	oauth.CheckTokenAnswer: {
		"The answer holds an access token, and no error.",
		"An error being taken for a successful login."},
	oauth.CheckTokenType: {
		"The access token is of the kind that the app can use.",
		"A token being used in a way that does not protect it."},
	oauth.CheckScope: {
		"You allowed what the app needs.",
		"An app that believes it may do more than you allowed."},
	oauth.CheckIDToken: {
		"A signed statement of who signed in, the ID token, came along.",
		"Somebody being signed in for whom nobody has vouched."},
	oauth.CheckAlgorithm: {
		"The ID token is signed in a way that the app trusts.",
		"A forged statement without a signature, or with one that anybody can make."},
	oauth.CheckKey: {
		"The ID token is signed with one of the provider's own keys.",
		"A statement that an attacker signed with a key of their own."},
	oauth.CheckSignature: {
		"The signature is genuine, and nothing was changed since.",
		"A statement that was altered on its way, say, to name another person."},
	oauth.CheckIssuer: {
		"The ID token was issued by this provider.",
		"One provider vouching for the people of another."},
	oauth.CheckSubject: {
		"The ID token names one account at the provider.",
		"A statement about nobody, under which several people could become one."},
	oauth.CheckAudience: {
		"The ID token was made for this app.",
		"The owner of another app signing in here as you, with the statement you gave to them."},
	oauth.CheckAuthorizedParty: {
		"The ID token was handed to this app, not to another one.",
		"A statement that was given to one app being used by another."},
	oauth.CheckExpiry: {
		"The ID token has not expired.",
		"A stolen statement being used long after it was made."},
	oauth.CheckIssuedAt: {
		"The ID token was made just now.",
		"A statement that was kept in store for later, or that is dated wrongly."},
	oauth.CheckNotBefore: {
		"The ID token is valid already.",
		"A statement being used before its time."},
	oauth.CheckNonce: {
		"The ID token was made for this very login.",
		"The code or the statement of somebody else's login being slipped into yours."},
	oauth.CheckTokenHash: {
		"The access token belongs to this ID token.",
		"Somebody else's access token being slipped in beside your statement."},
	oauth.CheckAuthTime: {
		"You proved recently enough who you are.",
		"A session that was left open being used where the app wanted a fresh sign-in."},
	oauth.CheckACR: {
		"You signed in as strongly as the app demands.",
		"A weak sign-in passing where a strong one is called for."},
	oauth.CheckClaim: {
		"The account is what this app demands, for example one of a certain organisation.",
		"An account from outside getting in."},
	oauth.CheckUserInfo: {
		"What the provider says about you can be used.",
		"Broken or invented details ending up in your profile."},
	oauth.CheckUserInfoSubject: {
		"What the provider says is about the person who signed in.",
		"Somebody else's name and address being taken for yours."},
	oauth.CheckProfile: {
		"The account has what the app needs to know you by.",
		"Two people becoming one here, because nothing tells them apart."},
	oauth.CheckRefresh: {
		"The fresh token belongs to the same login as the old one.",
		"A token for somebody else's account taking the place of yours."},
	oauth.CheckAPI: {
		"The API accepted the token.",
		"Data being shown that you never allowed the app to see."},
	oauth.CheckRevocation: {
		"The provider took the tokens back.",
		"Tokens staying good at the provider after you have signed out."},
	oauth.CheckEndSession: {
		"The provider can be told that you signed out, and where to send you afterwards.",
		"A sign-out ending at an address that nobody meant."},
	oauth.CheckLogoutRequest: {
		"The provider's word of a sign-out arrived as a form with one token in it.",
		"Two readers of one request seeing different tokens, or a flood of them filling the memory."},
	oauth.CheckLogoutToken: {
		"The token about a sign-out is a signed one of that kind.",
		"A token that was made for another purpose signing people out."},
	oauth.CheckLogoutAlgorithm: {
		"The token about a sign-out is signed in a way that this app accepts.",
		"A weak or missing signature signing people out."},
	oauth.CheckLogoutKey: {
		"The key that signed the token about a sign-out is one of the provider's.",
		"Anybody signing people out with a key of their own."},
	oauth.CheckLogoutSignature: {
		"The token about a sign-out is exactly what the provider signed.",
		"Somebody changing on the way who it is that signed out."},
	oauth.CheckLogoutIssuer: {
		"The token about a sign-out is from the provider of the session.",
		"One provider ending the sessions of another one's people."},
	oauth.CheckLogoutAudience: {
		"The token about a sign-out is meant for this app.",
		"A sign-out from another app being played to this one."},
	oauth.CheckLogoutExpiry: {
		"The token about a sign-out has not expired.",
		"An old sign-out being played again after you came back."},
	oauth.CheckLogoutIssuedAt: {
		"The token about a sign-out was made just now.",
		"A sign-out from long ago, or prepared for later, being played."},
	oauth.CheckLogoutNotBefore: {
		"The token about a sign-out is good already.",
		"A sign-out being played before its time."},
	oauth.CheckLogoutEvents: {
		"The token says that somebody signed out, and not something else.",
		"A token from a sign-in ending the session that it began."},
	oauth.CheckLogoutNonce: {
		"The token about a sign-out carries no mark of a sign-in.",
		"One token being good for both, signing in and signing out."},
	oauth.CheckLogoutSubject: {
		"The token about a sign-out says whose session, or which one, has ended.",
		"The wrong session being ended, because nobody can tell which one was meant."},
	oauth.CheckLogoutID: {
		"The token about a sign-out has not been used before.",
		"One sign-out being played again and again."},
}

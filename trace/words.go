package trace

import (
	"slices"

	"github.com/wayleave/wayleave/oauth"
)

// title is the heading of a step, without its number.
func title(s oauth.Step) string {
	switch s {
	case oauth.StepAuthorize:
		return "The app sends you to the provider"
	case oauth.StepCallback:
		return "You come back to the app"
	case oauth.StepTokens:
		return "The app trades the code for tokens"
	case oauth.StepUse:
		return "The app uses the access token"
	}
	return "The app gets to know the provider"
}

// intro says what a step is good for.
func intro(s oauth.Step) string {
	switch s {
	case oauth.StepAuthorize:
		return "The app never asks for your password. It sends your browser to the provider, with a note that says who is asking, what for, and where to send you back to."
	case oauth.StepCallback:
		return "The provider sends your browser back, with a code that works once if all went well. But anybody can send a browser anywhere: before the app touches the code, it makes sure that this is the answer to its own question, in this browser, for the first time."
	case oauth.StepTokens:
		return "The app hands the code to the provider directly, where no browser can look on. It gets an access token, which is a key to what you allowed, and often an ID token, which is a signed statement of who signed in."
	case oauth.StepUse:
		return "The access token opens what you allowed, for a limited time, and nothing else. The app shows it to the provider and to APIs, and has it renewed before it runs out."
	}
	return "An app reads where the provider's pages are and what its signatures look like. It does this rarely, and remembers the answers."
}

const (
	sentSentence     = "The app sends your browser to the provider, with a note of who is asking and what for."
	unseenSentence   = "You sign in there and say yes or no. The app sees nothing of this, least of all your password."
	ownCheckSentence = "The app looks before it goes on."
)

func returnedSentence(params []oauth.Param) string {
	has := func(name string) bool {
		return slices.ContainsFunc(params, func(p oauth.Param) bool { return p.Name == name })
	}
	switch {
	case has("error"):
		return "Your browser comes back with an error instead of a code."
	case has("code"):
		return "Your browser comes back with a one-time code."
	}
	return "Your browser comes back, without a code."
}

func requestSentence(p oauth.Purpose) string {
	switch p {
	case oauth.ForDiscovery:
		return "The app asks the provider where its pages are and what it can do."
	case oauth.ForKeys:
		return "The app asks for the provider's public keys, to tell its signature from a forged one."
	case oauth.ForTokens:
		return "The app hands in the code and asks for tokens."
	case oauth.ForRefresh:
		return "The app asks for a fresh access token."
	case oauth.ForUserInfo, oauth.ForProfile:
		return "The app shows the access token and asks who you are."
	case oauth.ForAPI:
		return "The app shows the access token and asks for your data."
	case oauth.ForRevocation:
		return "The app gives a token back to the provider."
	}
	return "The app asks for something."
}

func answerSentence(ev oauth.Answered) string {
	who := "The provider"
	if counterpart(ev.Purpose) == API {
		who = "The API"
	}
	switch {
	case ev.Status == 0:
		return "No answer comes."
	case ev.Status >= 400 || oauth.ProviderCode(ev.Err) != "":
		return who + " refuses."
	case ev.Err != nil:
		return who + " answers, but not in a way that the app can use."
	}
	switch ev.Purpose {
	case oauth.ForDiscovery:
		return "The provider describes itself."
	case oauth.ForKeys:
		return "The provider hands out its public keys."
	case oauth.ForTokens:
		return "The provider takes the code and gives tokens."
	case oauth.ForRefresh:
		return "The provider gives a fresh access token."
	case oauth.ForUserInfo, oauth.ForProfile:
		return "The provider says who you are."
	}
	return who + " answers."
}

// headline says in a few words what became of a login.
func (s *Story) headline() string {
	switch s.Outcome {
	case Done:
		return "Signed in"
	case Open:
		return "Not finished yet"
	}
	f := s.Refused
	switch later := f.Step == oauth.StepUse && !slices.Contains(aboutThePerson, f.Check); {
	case later:
		return "Signed in, but something failed later"
	case oauth.FaultOf(f.Err) == oauth.FaultDenied:
		return "This login was declined"
	case oauth.FaultOf(f.Err) == oauth.FaultUnavailable:
		return "This login could not be finished"
	}
	return "This login was refused"
}

// aboutThePerson are the checks of step 4 without which nobody is signed in.
var aboutThePerson = []oauth.Check{oauth.CheckUserInfo, oauth.CheckUserInfoSubject, oauth.CheckProfile}

func name(p Party) string {
	switch p {
	case Browser:
		return "Browser"
	case Provider:
		return "Provider"
	case API:
		return "API"
	}
	return "App"
}

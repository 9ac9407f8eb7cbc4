package app

import (
	"context"
	"errors"

	"github.com/wayleave/wayleave"
	"github.com/wayleave/wayleave/oauth"
)

// problem is what the page says in place of the transactions: what happened, in
// words for the person, and what they can do about it.
type problem struct {
	Title  string
	Text   string
	Detail string // for developers; only while the stand-in is used
	Button string
	URL    string
}

// problemOf sorts errors by what the person can do: sign in again, allow more,
// or wait.
func (a *App) problemOf(err error) *problem {
	if err == nil {
		return nil
	}
	p := problem{Button: "Try again", URL: "/dashboard"}
	provider := a.site().ProviderLabel
	_, fromProvider := errors.AsType[*oauth.Error](err)
	switch {
	case errors.Is(err, wayleave.ErrLoginRequired):
		p.Title = "Finance Tracker has lost its access"
		p.Text = "It was withdrawn at " + provider + ", or it has run out. Sign in again, and everything is back."
		p.Button, p.URL = "Sign in again", a.loginURL()
	case errors.Is(err, errNoPermission):
		p.Title = "One permission is missing"
		p.Text = "You are signed in, but did not grant “" + wordsFor(transactionsScope) + "” (" + transactionsScope +
			"). To grant it, sign in once more and allow it when " + provider + " asks."
		p.Button, p.URL = "Sign in and allow it", a.loginURL()
	case errors.Is(err, context.DeadlineExceeded):
		p.Title = "Your transactions are taking too long"
		p.Text = "No answer came within " + apiDeadline.String() + ". They are safe where they are; try again in a moment."
	case fromProvider:
		p.Title = "Your access could not be renewed just now"
		p.Text = provider + " did not answer as it should. You stay signed in, and nothing is lost; try again in a moment."
	default:
		p.Title = "Your transactions cannot be shown just now"
		p.Text = "The service that keeps them did not answer as it should. They are safe where they are; try again in a moment."
	}
	if a.options.StandIn {
		p.Detail = err.Error()
	}
	return &p
}

package process

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/wayleave/wayleave/gateway"
	"github.com/wayleave/wayleave/gateway/config"
	"github.com/wayleave/wayleave/internal/serving"
	"github.com/wayleave/wayleave/oauth"
	"github.com/wayleave/wayleave/store/memory"
)

// Check finds the mistakes that only show when everything is put together. It
// connects to nothing.
func Check(c *config.Config) error {
	var errs []error
	trial := memory.New(memory.Options{})
	defer trial.Close()
	keys, err := readKeys(c)
	if err != nil {
		errs = append(errs, err)
	}
	g, err := gateway.New(c, gateway.Options{Store: trial, Keys: keys})
	if err != nil {
		errs = append(errs, err)
	} else {
		errs = append(errs, g.Close())
	}
	if c.TLS != (config.TLS{}) {
		if _, err := serving.LoadCertificates(c.TLS.Certificate, c.TLS.Key, nil); err != nil {
			errs = append(errs, config.Mistakes{c.Mistake("tls", err.Error(), "")})
		}
	}
	return allMistakes(errors.Join(errs...))
}

// allMistakes gathers the mistakes of a joined error into one list, so that
// they are printed alike. An error of another kind stays as it is.
func allMistakes(err error) error {
	var all config.Mistakes
	var gather func(error) bool
	gather = func(err error) bool {
		if m, ok := err.(config.Mistakes); ok {
			all = append(all, m...)
			return true
		}
		joined, ok := err.(interface{ Unwrap() []error })
		return ok && !slices.ContainsFunc(joined.Unwrap(), func(e error) bool { return !gather(e) })
	}
	if err == nil || !gather(err) {
		return err
	}
	return all
}

// connectTime is how long each answer is waited for.
const connectTime = 15 * time.Second

// Connect asks each store, provider and upstream of the file for a sign of life,
// and says of each one line. It returns how many do not work.
func Connect(ctx context.Context, c *config.Config, say func(string)) (problems int) {
	tell := func(what string, err error, cure string) {
		if err == nil {
			say("ok      " + what)
			return
		}
		problems++
		line := "FAILED  " + what + ": " + strings.ReplaceAll(err.Error(), "\n", "; ")
		if cure != "" {
			line += "; " + cure
		}
		say(line)
	}
	checkStore(ctx, c, say, tell)
	checkProviders(ctx, c, say, tell)
	checkUpstreams(ctx, c, tell)
	return problems
}

type teller = func(what string, err error, cure string)

// maxSkew is how far clocks may be apart: ID tokens live for minutes.
const maxSkew = 30 * time.Second

// checkProviders reads the metadata of each provider, and compares its clock.
func checkProviders(ctx context.Context, c *config.Config, say func(string), tell teller) {
	ctx, cancel := context.WithTimeout(ctx, connectTime)
	defer cancel()
	trial := memory.New(memory.Options{})
	defer trial.Close()
	var mu sync.Mutex
	ahead := map[string]time.Duration{}
	g, err := gateway.New(c, gateway.Options{Store: trial, OnEvent: func(_ context.Context, e oauth.Event) {
		if a, ok := e.(oauth.Answered); ok && !a.Date.IsZero() {
			mu.Lock()
			defer mu.Unlock()
			ahead[a.Is.Provider] = a.Date.Sub(a.Is.Time)
		}
	}})
	if err != nil {
		return // Check has told
	}
	defer g.Close()
	for _, p := range g.CheckProviders(ctx) {
		tell("provider "+p.Name, p.Err, "")
		say("        this redirect URI has to be registered there: " + p.RedirectURI)
		if skew := ahead[p.Name].Round(time.Second); skew.Abs() > maxSkew {
			say(fmt.Sprintf("warning the clock of provider %s is %v ahead of this machine's: sign-ins will fail; set this machine's clock by NTP", p.Name, skew))
		}
		if p.Err == nil && p.BackChannelLogoutURI != "" {
			say("        it can end sessions here: register the back-channel logout URI " + p.BackChannelLogoutURI)
		}
		if p.Err == nil && !p.CanRevoke {
			say("        it takes no tokens back: after a logout they end by their age")
		}
	}
}

package config

import (
	"fmt"
	"regexp"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"

	"github.com/wayleave/wayleave/gateway/rules"
)

const (
	allowWhat = "public, signed_in, nobody, a map of conditions, or a list of such maps"
	allowCure = "write public, signed_in, nobody, or a condition such as {email_domains: [acme.example]}"
)

func allowed(r *Route) *[]rules.Alternative { return &r.Rule.Allow }

// allowWord is who may, in one word. The zero Alternative is nobody.
var allowWord = scalar("public, signed_in or nobody", map[string]any{"enum": []string{"public", "signed_in", "nobody"}}, func(text string) (rules.Alternative, *fault) {
	switch text {
	case "public":
		return rules.Alternative{Public: true}, nil
	case "signed_in":
		return rules.Alternative{SignedIn: true}, nil
	case "nobody":
		return rules.Alternative{}, nil
	}
	cure := didYouMean(text, []string{"public", "signed_in", "nobody"})
	if cure == "" {
		cure = allowCure
	}
	return rules.Alternative{}, &fault{cure: cure}
})

var alternativeShape = object("allow", "a map of conditions", []key[rules.Alternative]{
	at("providers", list(text("the name of a provider"), 1), func(a *rules.Alternative) *[]string { return &a.Providers }, "Signed in with one of these."),
	at("emails", list(email(), 1), func(a *rules.Alternative) *[]string { return &a.Emails }, "One of these addresses, verified by the provider."),
	at("email_domains", list(emailDomain(), 1), func(a *rules.Alternative) *[]string { return &a.EmailDomains }, "A verified address at one of these domains: `acme.example` is that alone, `.acme.example` all below it."),
	at("groups", list(text("the name of a group"), 1), func(a *rules.Alternative) *[]string { return &a.Groups }, "In one of these groups."),
	at("roles", list(text("the name of a role"), 1), func(a *rules.Alternative) *[]string { return &a.Roles }, "With one of these roles."),
	at("scopes", list(text("a scope"), 1), func(a *rules.Alternative) *[]string { return &a.Scopes }, "With one of these scopes granted."),
	at("claims", mapOf("a map from claims to values", list(text("a value"), 1)), func(a *rules.Alternative) *map[string][]string { return &a.Claims }, "Each of these claims has one of the values."),
	at("max_age", duration(), func(a *rules.Alternative) *time.Duration { return &a.MaxAge }, "Signed in no longer ago than this; else people are asked to sign in again."),
}, checkAlternative)

func checkAlternative(d *decoder, f found, a *rules.Alternative) {
	if len(f.n.Content) == 0 {
		d.bad(f.n, f.path, "is empty, which allows nobody", allowCure)
	}
	for i, domain := range a.EmailDomains {
		at := join(f.path, "email_domains")
		if entry := fmt.Sprintf("%s[%d]", at, i); d.has(entry) {
			at = entry
		}
		if domain != "" && !strings.Contains(domain, ".") {
			d.warnings = append(d.warnings, d.mistake(d.places[at], at, "has no dot, and no address that the internet knows is at such a domain", "write the whole domain, such as acme.example"))
		}
	}
}

var allowShape = func() shape[[]rules.Alternative] {
	one := either(allowWord, alternativeShape)
	many := list(one, 1)
	read := func(d *decoder, n *yaml.Node, path string, into *[]rules.Alternative) {
		opened := d.open(n, path)
		before := len(d.mistakes)
		if opened.Kind == yaml.ScalarNode && isNull(opened) {
			d.unfit(opened, path, allowWhat, allowCure)
			return
		}
		if opened.Kind == yaml.SequenceNode && len(opened.Content) == 0 {
			d.bad(n, path, "is empty, which allows nobody", allowCure)
			return
		}
		many.read(d, n, path, into)
		if len(d.mistakes) > before {
			*into = nil
			return
		}
		for i, a := range *into {
			nobody := !a.Public && isNobody(a)
			switch {
			case nobody && len(*into) == 1:
				*into = nil
			case (nobody || a.Public) && len(*into) > 1:
				entry := fmt.Sprintf("%s[%d]", path, i)
				word := map[bool]string{true: "nobody", false: "public"}[nobody]
				d.badAt(d.places[entry], entry, word+" stands beside other conditions", "write allow: "+word+", or remove it")
			}
		}
	}
	return shape[[]rules.Alternative]{form: &form{what: allowWhat, choices: []*form{allowWord.form, alternativeShape.form, many.form}}, read: read}
}()

func isNobody(a rules.Alternative) bool {
	return !a.SignedIn && a.MaxAge == 0 && len(a.Providers)+len(a.Emails)+len(a.EmailDomains)+len(a.Groups)+len(a.Roles)+len(a.Scopes)+len(a.Claims) == 0
}

func email() shape[string] {
	return matching("an address such as ada@acme.example", "^[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}@[A-Za-z0-9-]+(\\.[A-Za-z0-9-]+)*$", "for all of a domain use email_domains", "ada@acme.example")
}

var domainRE = regexp.MustCompile(`^\.?[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*$`)

func emailDomain() shape[string] {
	return scalar("a domain such as acme.example", pattern(domainRE.String(), "acme.example", ".acme.example"), func(text string) (string, *fault) {
		switch domain := strings.TrimLeft(text, "@*."); {
		case domainRE.MatchString(text):
			return text, nil
		case strings.HasPrefix(text, "*.") && domainRE.MatchString(domain):
			return "", &fault{cure: "write ." + domain + " for all domains below it"}
		case strings.HasPrefix(text, "@") && domainRE.MatchString(domain):
			return "", &fault{cure: "write " + domain}
		case strings.Contains(text, "@"):
			return "", &fault{cure: "for single addresses use emails"}
		}
		return "", &fault{cure: "write it as it stands behind the @, in ASCII"}
	})
}

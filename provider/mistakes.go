package provider

import (
	"fmt"
	"slices"
	"strings"

	"github.com/wayleave/wayleave/internal/egress"
	"github.com/wayleave/wayleave/oauth"
)

// tenantPlaceholder stands in templated issuers for the tenant; see oauth.Config.
const tenantPlaceholder = "{tenantid}"

// mistakes are those that package oauth does not see. Most are restrictions
// that would restrict nothing, and identities that could never be found.
func (l *layers) mistakes() []error {
	var errs []error
	bad := func(field, reason, cure string) {
		errs = append(errs, &oauth.ConfigError{Provider: l.Name, Field: field, Reason: reason, Cure: cure})
	}
	l.checkCalls(bad)
	l.checkSubject(bad)
	l.checkPaths(bad)
	return errs
}

func (l *layers) checkCalls(bad func(field, reason, cure string)) {
	policy := egress.Policy{Development: l.Development, DevelopmentHosts: l.DevelopmentHosts}
	seen := []string{fromIDToken, fromUserInfo, fromToken}
	for _, call := range l.profile.Calls {
		if call.Name == "" || strings.Trim(call.Name, "abcdefghijklmnopqrstuvwxyz0123456789_") != "" {
			bad("Preset.Profile.Calls", fmt.Sprintf("has the name %q, which is not made of small letters, digits and underscores", call.Name), "")
		}
		if slices.Contains(seen, call.Name) {
			bad("Preset.Profile.Calls", "has the name "+call.Name+", which is taken", "give each answer a name of its own")
		}
		seen = append(seen, call.Name)
		if _, err := policy.CheckURL(call.URL); err != nil {
			bad("Preset.Profile.Calls", err.Error(), "use an https URL, or one relative to UserInfoURL where that is set")
		}
	}
}

// checkSubject: with an ID token, nothing else may say who it is.
func (l *layers) checkSubject(bad func(field, reason, cure string)) {
	subject := l.profile.Subject
	paths := strings.Fields(subject)
	from := func(source string) bool {
		return slices.ContainsFunc(paths, func(path string) bool { return sourceOf(path) == source })
	}
	elsewhere := slices.ContainsFunc(paths, func(path string) bool { return sourceOf(path) != fromIDToken })
	switch {
	case l.openID() && elsewhere:
		bad("Subject", "is "+subject+", which is not part of the ID token", "use id_token.sub, or leave openid out of the scopes")
	case !l.openID() && from(fromIDToken):
		bad("Scopes", "lack openid, and without an ID token there is no "+subject, "add openid")
	case from(fromUserInfo) && l.profile.SkipUserInfo:
		bad("Subject", "is "+subject+", and the preset skips userinfo", "")
	case from(fromUserInfo) && l.UserInfoURL == "" && l.AuthorizationURL != "" && !l.discovers():
		bad("UserInfoURL", "is missing, and without an issuer there is no other way to know who the user is", "set the URL that answers who an access token belongs to")
	}
}

// discovers reports whether endpoints that are not configured come from metadata.
func (l *layers) discovers() bool {
	return l.Issuer != "" && (l.Metadata != oauth.MetadataNone && l.Metadata != "" || l.TokenURL == "")
}

// checkPaths finds paths that lead nowhere, and addresses that would be vouched
// for by another place than they come from.
func (l *layers) checkPaths(bad func(field, reason, cure string)) {
	sources := []string{fromIDToken, fromUserInfo, fromToken}
	for _, call := range l.profile.Calls {
		sources = append(sources, call.Name)
	}
	check := func(field, path string) {
		if !slices.Contains(sources, sourceOf(path)) {
			bad(field, fmt.Sprintf("has the path %q, which begins with none of %s", path, strings.Join(sources, ", ")), "")
		} else if !wellFormed(path) {
			bad(field, fmt.Sprintf("has the path %q, which is malformed", path), "write names with dots between them, and at most one filter such as emails[primary].email")
		}
	}
	for path := range strings.FieldsSeq(l.profile.Subject) {
		check("Subject", path)
	}
	for _, rule := range l.profile.Emails {
		check("Preset.Profile.Emails", rule.Address)
		for _, path := range rule.Verified {
			check("Preset.Profile.Emails", path)
			if sourceOf(path) != sourceOf(rule.Address) {
				bad("Preset.Profile.Emails", path+" cannot vouch for "+rule.Address, "take both from the same answer")
			}
		}
	}
	for _, expression := range l.profile.Name {
		for path := range strings.FieldsSeq(expression) {
			check("Preset.Profile.Name", path)
		}
	}
	for _, expression := range l.profile.Picture {
		for _, path := range pathsOfPicture(expression) {
			check("Preset.Profile.Picture", path)
		}
	}
}

// wellFormed: no empty names, and at most one filter, which is not empty.
func wellFormed(path string) bool {
	before, rest, filtered := strings.Cut(path, "[")
	if filtered {
		filter, after, closed := strings.Cut(rest, "]")
		if !closed || after != "" && after[0] != '.' || slices.Contains(strings.Split(filter, ","), "") {
			return false
		}
		path = before + after
	}
	return !strings.ContainsAny(path, "[]{} ") && !slices.Contains(strings.Split(path, "."), "")
}

// pathsOfPicture are the paths of an expression, or those in a URL's braces.
func pathsOfPicture(expression string) []string {
	if !strings.Contains(expression, "{") {
		return strings.Fields(expression)
	}
	var paths []string
	for _, segment := range strings.Split(expression, "{")[1:] {
		path, _, _ := strings.Cut(segment, "}")
		paths = append(paths, path)
	}
	return paths
}

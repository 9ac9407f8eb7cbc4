// Package identity tells an upstream who is there, in headers that no client
// can set: what a client sends under these names, in any spelling that some
// program folds to them, is removed first.
package identity

// Names are the headers for an upstream. An empty one is not sent.
type Names struct {
	User, Provider, Subject, Email, Name, Groups string
	// GroupsCut says "true" where groups had to be left out, and else nothing.
	GroupsCut string
}

// Default is what upstreams get unless a route says otherwise.
func Default() Names {
	return Names{User: "X-Wayleave-User", Provider: "X-Wayleave-Provider", Subject: "X-Wayleave-Subject", Email: "X-Wayleave-Email",
		Name: "X-Wayleave-Name", Groups: "X-Wayleave-Groups", GroupsCut: "X-Wayleave-Groups-Cut"}
}

// OAuth2Proxy are the names that apps behind oauth2-proxy expect.
func OAuth2Proxy() Names {
	return Names{User: "X-Forwarded-User", Email: "X-Forwarded-Email", Name: "X-Forwarded-Preferred-Username", Groups: "X-Forwarded-Groups"}
}

func (n Names) all() []string {
	var all []string
	for _, name := range []string{n.User, n.Provider, n.Subject, n.Email, n.Name, n.Groups, n.GroupsCut} {
		if name != "" {
			all = append(all, name)
		}
	}
	return all
}

package oauth2proxy

import (
	"cmp"
	"regexp"
	"slices"
	"strings"
)

var (
	guid         = regexp.MustCompile(`(?i)^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$`)
	tenantOfURL  = regexp.MustCompile(`^https://(?:login\.microsoftonline\.com|sts\.windows\.net)/([^/]+)(?:/v2\.0)?/?$`)
	wholeTenancy = []string{"common", "organizations", "consumers"}
)

// unknownTenant is nobody's.
const unknownTenant = "00000000-0000-0000-0000-000000000000"

// tenants are those that may sign in with Microsoft.
func (c *conversion) tenants() []string {
	wanted := c.list("entra-id-allowed-tenant")
	source := "entra-id-allowed-tenant"
	if c.given[source] == nil {
		var one string
		if m := tenantOfURL.FindStringSubmatch(c.text("oidc-issuer-url")); m != nil {
			one = m[1]
		}
		source = "azure-tenant"
		if one == "" || slices.Contains(wholeTenancy, one) {
			one = cmp.Or(c.text("azure-tenant"), one)
		}
		wanted = []string{one}
		if c.given["azure-tenant"] == nil {
			source = "oidc-issuer-url"
		}
	}
	var out []string
	for _, t := range wanted {
		if guid.MatchString(t) && !slices.Contains(out, strings.ToLower(t)) {
			out = append(out, strings.ToLower(t))
		}
	}
	if len(out) == 0 {
		c.tell(source, Changed, "no tenant's GUID stands in it: list those that may sign in under tenants, or \"*\" for everybody with a Microsoft account; until then nobody can")
		return []string{unknownTenant}
	}
	if len(out) < len(wanted) {
		c.tell(source, Changed, "tenants are named by their GUID; the others are left out")
	}
	return out
}

package devidp_test

import (
	"encoding/json"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wayleave/wayleave/devidp"
)

func TestWhatScopesReveal(t *testing.T) {
	a := newApp(t)
	for scope, want := range map[string][]string{
		"openid":               {"sub"},
		"openid email":         {"email", "email_verified", "sub"},
		"openid profile":       {"family_name", "given_name", "name", "picture", "sub"},
		"openid email profile": {"email", "email_verified", "family_name", "given_name", "name", "picture", "sub"},
	} {
		t.Run(scope, func(t *testing.T) {
			r := a.bearer("/userinfo", a.tokens("scope", scope).text("access_token"))
			var names []string
			for name := range r.json {
				names = append(names, name)
			}
			slices.Sort(names)
			if !slices.Equal(names, want) {
				t.Errorf("got %v, want %v", names, want)
			}
		})
	}
	t.Run("an address may be unverified", func(t *testing.T) {
		code := a.arrive(newApp(t).browser.SignIn(a.authorization(), "lin", true)).Get("code")
		equal(t, "email_verified", part(t, a.post(exchange(code)).text("id_token"), 1)["email_verified"], any(false))
	})
	t.Run("the picture is there", func(t *testing.T) {
		r := a.get("/people/zoe/picture.svg")
		equal(t, "status", r.status, http.StatusOK)
		equal(t, "Content-Type", r.header.Get("Content-Type"), "image/svg+xml")
		equal(t, "of nobody", a.get("/people/nobody/picture.svg").status, http.StatusNotFound)
	})
}

func TestAccessTokensAreDemanded(t *testing.T) {
	a := newApp(t)
	narrow := a.tokens("scope", "openid email").text("access_token")
	apiOnly := a.tokens("scope", "transactions.read").text("access_token")
	const unknown = `Bearer realm="devidp", error="invalid_token", error_description="the access token is unknown, expired or revoked"`
	const misplaced = `Bearer realm="devidp", error="invalid_request", error_description="the access token goes into the Authorization header, once"`
	for name, test := range map[string]struct {
		r         answer
		status    int
		challenge string
	}{
		"no token":                {a.get("/api/accounts"), 401, `Bearer realm="devidp"`},
		"another scheme":          {a.get("/userinfo", "Authorization", "Basic abc"), 401, `Bearer realm="devidp"`},
		"unknown":                 {a.bearer("/api/transactions", "guess"), 401, unknown},
		"malformed":               {a.bearer("/userinfo", "a b"), 401, unknown},
		"in the URL":              {a.get("/userinfo?access_token=" + narrow), 400, misplaced},
		"two headers":             {a.get("/userinfo", "Authorization", "Bearer "+narrow, "Authorization", "Bearer "+narrow), 400, misplaced},
		"scope for the API":       {a.bearer("/api/accounts", narrow), 403, `Bearer realm="devidp", error="insufficient_scope", error_description="the access token was not granted this scope", scope="transactions.read"`},
		"scope for userinfo":      {a.bearer("/userinfo", apiOnly), 403, `Bearer realm="devidp", error="insufficient_scope", error_description="the access token was not granted this scope", scope="openid"`},
		"good, scheme in lower":   {a.get("/userinfo", "Authorization", "bearer "+narrow), 200, ""},
		"good for the API":        {a.bearer("/api/accounts", apiOnly), 200, ""},
		"a refresh token is none": {a.bearer("/userinfo", a.offline().text("refresh_token")), 401, unknown},
	} {
		t.Run(name, func(t *testing.T) {
			equal(t, "status", test.r.status, test.status)
			equal(t, "WWW-Authenticate", test.r.header.Get("WWW-Authenticate"), test.challenge)
			equal(t, "Content-Type", test.r.header.Get("Content-Type"), "application/json")
			equal(t, "Cache-Control", test.r.header.Get("Cache-Control"), "no-store")
		})
	}
	t.Run("POST to userinfo works too", func(t *testing.T) {
		request, err := http.NewRequest(http.MethodPost, a.idp.Issuer()+"/userinfo", nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Authorization", "Bearer "+narrow)
		equal(t, "sub", a.do(request).text("sub"), "ada")
	})
}

type account struct {
	ID, Name, Type, Currency string
	BalanceCents             int64 `json:"balance_cents"`
}

type transaction struct {
	ID, Date, Description, Category, Currency string
	AccountID                                 string `json:"account_id"`
	AmountCents                               int64  `json:"amount_cents"`
}

func book(t *testing.T, a *app) ([]account, []transaction) {
	t.Helper()
	token := a.tokens().text("access_token")
	var accounts struct{ Accounts []account }
	var transactions struct{ Transactions []transaction }
	if err := json.Unmarshal([]byte(a.bearer("/api/accounts", token).body), &accounts); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(a.bearer("/api/transactions", token).body), &transactions); err != nil {
		t.Fatal(err)
	}
	return accounts.Accounts, transactions.Transactions
}

func TestTheTransactionsAreRealistic(t *testing.T) {
	var now clock
	accounts, transactions := book(t, newApp(t, now.use))
	equal(t, "accounts", len(accounts), 2)
	if len(transactions) < 60 || len(transactions) > 200 {
		t.Errorf("%d transactions", len(transactions))
	}
	ids, categories := map[string]bool{}, map[string]int64{}
	previous := now.now().Format(time.DateOnly)
	oldest := now.now().AddDate(0, 0, -59).Format(time.DateOnly)
	for _, tx := range transactions {
		if tx.Date > previous || tx.Date < oldest {
			t.Errorf("%s comes after %s, or is older than %s", tx.Date, previous, oldest)
		}
		previous = tx.Date
		if ids[tx.ID] || !regexp.MustCompile(`^ada-\d{4}-\d\d-\d\d-\d+$`).MatchString(tx.ID) {
			t.Errorf("id %q", tx.ID)
		}
		ids[tx.ID] = true
		if tx.Description == "" || tx.Currency != "EUR" || tx.AmountCents == 0 || !strings.HasPrefix(tx.AccountID, "ada-") {
			t.Errorf("transaction %+v", tx)
		}
		categories[tx.Category] += tx.AmountCents
	}
	if len(categories) < 8 || categories["income"] <= 0 || categories["groceries"] >= 0 || categories["savings"] != 0 {
		t.Errorf("sums by category: %v", categories)
	}
	for _, account := range accounts {
		if account.BalanceCents <= 0 || account.Name == "" {
			t.Errorf("account %+v", account)
		}
	}
}

func TestTheSameDayIsTheSameForever(t *testing.T) {
	var now clock
	a := newApp(t, now.use, func(o *devidp.Options) { o.SigningAlgorithm = "ES256" })
	_, before := book(t, a)
	now.pass(7 * 24 * time.Hour)
	_, after := book(t, a)
	from := now.now().AddDate(0, 0, -59).Format(time.DateOnly)
	before = slices.DeleteFunc(before, func(tx transaction) bool { return tx.Date < from })
	after = slices.DeleteFunc(after, func(tx transaction) bool { return tx.Date > before[0].Date })
	if !slices.Equal(before, after) {
		t.Error("a week later the past is another one")
	}
}

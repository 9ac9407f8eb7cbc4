package oauth_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/wayleave/wayleave/oauth"
)

func claimsOf(t *testing.T, text string) (c oauth.Claims) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), &c); err != nil {
		t.Fatal(err)
	}
	return c
}

func TestUSR09_NullAndEmptyAreAbsent(t *testing.T) {
	c := claimsOf(t, `{"a":null,"b":"","c":"x","d":0,"e":false,"f":[],"g":{}}`)
	for name, want := range map[string]bool{"a": false, "b": false, "c": true, "d": true, "e": true, "f": true, "g": true, "missing": false, "C": false} {
		if c.Has(name) != want {
			t.Errorf("Has(%s) is %v", name, !want)
		}
	}
	if got := c.Names(); !slices.Equal(got, []string{"c", "d", "e", "f", "g"}) {
		t.Error(got)
	}
	if c.Strings("b") != nil || c.Strings("a") != nil {
		t.Error("an empty string is a string of none")
	}
	if _, ok := c.Lookup("b"); ok {
		t.Error("Lookup found an empty string")
	}
}

func TestClaimsAreTyped(t *testing.T) {
	c := claimsOf(t, `{"s":"x","t":true,"tt":"true","one":1,"big":9007199254740993,"huge":99999999999999999999,"frac":1.5,"exp":1e3,
		"list":["a","b"],"mixed":["a",1],"time":1700000000.5,"text":"1700000000","late":1e12,"o":{"street":"y","n":{"z":1}},"emails":[{"value":"m"}],"https://a.example/b.c":"d"}`)
	if c.String("s") != "x" || c.String("t") != "" || c.String("one") != "" || c.String("S") != "" {
		t.Error("String")
	}
	if !c.Bool("t") || c.Bool("tt") || c.Bool("one") || c.Bool("missing") {
		t.Error("Bool")
	}
	if n, ok := c.Int("big"); n != 9007199254740993 || !ok {
		t.Error("Int loses digits", n)
	}
	for _, name := range []string{"huge", "frac", "exp", "text", "s", "missing"} {
		if n, ok := c.Int(name); ok {
			t.Errorf("Int(%s) is %d", name, n)
		}
	}
	if got := c.Strings("list"); !slices.Equal(got, []string{"a", "b"}) {
		t.Error(got)
	}
	if got := c.Strings("s"); !slices.Equal(got, []string{"x"}) {
		t.Error(got)
	}
	if c.Strings("mixed") != nil || c.Strings("one") != nil {
		t.Error("Strings of what are none")
	}
	if got := c.Time("time"); !got.Equal(time.Unix(1700000000, 5e8)) {
		t.Error(got)
	}
	if !c.Time("text").IsZero() || !c.Time("late").IsZero() || !c.Time("missing").IsZero() {
		t.Error("Time of what is none")
	}
	if c.Object("o").String("street") != "y" || c.Object("s").Has("street") {
		t.Error("Object")
	}
	for path, want := range map[string]string{"o.street": "y", "o.n.z": "1", "emails.0.value": "m", "https://a.example/b.c": "d",
		"t": "true", "big": "9007199254740993", "o": "", "list": "", "o.missing": ""} {
		if got, ok := c.Lookup(path); got != want || ok != (want != "") || c.Text(path) != want {
			t.Errorf("Lookup(%s) is %q %v", path, got, ok)
		}
	}
}

func TestClaimsRoundTrip(t *testing.T) {
	const text = `{ "b":1,"a":[ true ], "z":"\u00e4" }`
	c := claimsOf(t, text)
	if raw, err := c.MarshalJSON(); err != nil || string(raw) != text {
		t.Error(string(raw), err)
	}
	stored, err := json.Marshal(map[string]any{"claims": c, "none": oauth.Claims{}})
	if err != nil || string(stored) != `{"claims":{"b":1,"a":[true],"z":"\u00e4"},"none":{}}` {
		t.Error(string(stored), err)
	}
	var back struct{ Claims, None oauth.Claims }
	if err := json.Unmarshal(stored, &back); err != nil || back.Claims.String("z") != "ä" || len(back.None.Names()) != 0 {
		t.Error(err, back.Claims.Names())
	}
	if err := json.Unmarshal([]byte(`null`), &c); err != nil || c.String("z") != "ä" {
		t.Error("null changes nothing:", err)
	}
	for _, bad := range []string{`[]`, `"x"`, `{"a":1,"a":2}`, `{"sub":1,"SUB":2}`} {
		if err := json.Unmarshal([]byte(bad), &c); err == nil {
			t.Error("accepted", bad)
		}
	}
}

func TestZeroClaims(t *testing.T) {
	var c oauth.Claims
	if c.Has("a") || c.String("a") != "" || c.Bool("a") || c.Strings("a") != nil || !c.Time("a").IsZero() || c.Names() != nil || c.Text("a.b") != "" || c.Object("a").Has("b") {
		t.Error("something is there")
	}
	if raw, err := c.MarshalJSON(); string(raw) != "{}" || err != nil {
		t.Error(string(raw), err)
	}
}

func ExampleClaims() {
	var claims oauth.Claims
	if err := json.Unmarshal([]byte(`{"email":"ada@example.com","email_verified":"true","address":{"country":"GB"}}`), &claims); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(claims.String("email"), claims.Bool("email_verified"), claims.Text("address.country"))
	// Output: ada@example.com false GB
}

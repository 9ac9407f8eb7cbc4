package app

import (
	"context"
	"fmt"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/wayleave/wayleave"
)

func TestAmount(t *testing.T) {
	for _, c := range []struct {
		cents    int64
		currency string
		want     string
	}{
		{0, "EUR", "€0.00"},
		{5, "EUR", "€0.05"},
		{-5, "EUR", "−€0.05"},
		{99_999, "USD", "$999.99"},
		{100_000, "GBP", "£1,000.00"},
		{-123_456_789, "EUR", "−€1,234,567.89"},
		{1250, "CHF", "CHF 12.50"},
		{math.MinInt64, "EUR", "−€92,233,720,368,547,758.08"},
	} {
		if got := amount(c.cents, c.currency); got != c.want {
			t.Errorf("amount(%d, %s) = %q, want %q", c.cents, c.currency, got, c.want)
		}
	}
}

func TestMoneyIsSummedOverThirtyDaysInOneCurrency(t *testing.T) {
	now := time.Date(2026, 11, 30, 23, 0, 0, 0, time.UTC)
	m := moneyOf(&book{
		Accounts: []account{{Currency: "EUR", Cents: 1000}, {Currency: "EUR", Cents: 50}, {Currency: "USD", Cents: 7}},
		Transactions: []transaction{
			{Date: "2026-11-30", Category: "groceries", Cents: -300, Currency: "EUR"},
			{Date: "2026-11-29", Category: "income", Cents: 900, Currency: "EUR"},
			{Date: "2026-11-20", Category: "housing", Cents: -600, Currency: "EUR"},
			{Date: "2026-11-20", Category: "savings", Cents: -10_000, Currency: "EUR"},
			{Date: "2026-11-20", Category: "savings", Cents: 10_000, Currency: "EUR"},
			{Date: "2026-11-10", Category: "groceries", Cents: -10_000, Currency: "USD"},
			{Date: "2026-11-01", Category: "tea", Cents: -1, Currency: "EUR"},
			{Date: "2026-10-31", Category: "groceries", Cents: -10_000, Currency: "EUR"},
		},
	}, now)
	if m.Total != 1050 || m.Spent != 901 || m.Received != 900 {
		t.Errorf("total %d, spent %d, received %d", m.Total, m.Spent, m.Received)
	}
	want := []slice{{"housing", 600, 100}, {"groceries", 300, 50}, {"tea", 1, 1}}
	if !reflect.DeepEqual(m.ByCategory, want) {
		t.Errorf("by category %v, want %v", m.ByCategory, want)
	}
	if got := (chart{Slices: want, Currency: "EUR"}).described(); got != "Housing €6.00, Groceries €3.00, Tea €0.01." {
		t.Errorf("described as %q", got)
	}
	if moneyOf(nil, now) != nil {
		t.Error("money out of nothing")
	}
	empty := dashboardView{Money: moneyOf(&book{}, now)}
	var page strings.Builder
	if err := dashboardPage(empty).Render(t.Context(), &page); err != nil || !strings.Contains(page.String(), "There are none yet.") || !strings.Contains(page.String(), "Nothing was spent.") {
		t.Errorf("a new account: %v", err)
	}
}

func TestTimesInWords(t *testing.T) {
	for d, want := range map[time.Duration]string{
		14200 * time.Millisecond: "in 14 s", 0: "in 0 s", -3 * time.Second: "3 s ago",
		119 * time.Second: "in 119 s", 10 * time.Minute: "in 10 min", 12 * time.Hour: "in 12 h",
	} {
		if got := remaining(d); got != want {
			t.Errorf("remaining(%v) = %q, want %q", d, got, want)
		}
	}
}

func TestInitials(t *testing.T) {
	for name, want := range map[string]string{
		"Ada Marsh": "AM", "ada": "A", "Zoë O’Neil & Søn": "ZS", "Émile de la Tour": "ÉT", "": "", "42 !": "",
	} {
		if got := initials(wayleave.User{Name: name}); got != want {
			t.Errorf("initials of %q are %q, want %q", name, got, want)
		}
	}
	if got := initials(wayleave.User{Email: "lin@example.com"}); got != "L" {
		t.Errorf("without a name: %q", got)
	}
}

func TestAnAPIThatTakesTooLong(t *testing.T) {
	a := &App{}
	p := a.problemOf(fmt.Errorf("get: %w", context.DeadlineExceeded))
	if p.Title != "Your transactions are taking too long" || p.URL != "/dashboard" || p.Detail != "" {
		t.Errorf("%+v", p)
	}
}

func TestTheTokenWatchIsBounded(t *testing.T) {
	var w tokenWatch
	for i := range 3 * watchedSessions {
		s := session{user: fmt.Sprint(i)}
		for token := range 6 {
			latest, renewals := w.saw(s, fmt.Sprint(token), time.Now())
			if renewals != token || len(latest) > shownTokens || latest[0].Fingerprint != fmt.Sprint(token) {
				t.Fatalf("session %d, token %d: %d renewals, %v", i, token, renewals, latest)
			}
		}
	}
	if len(w.sessions) > watchedSessions {
		t.Errorf("%d sessions are watched", len(w.sessions))
	}
}

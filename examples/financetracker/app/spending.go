package app

import (
	"cmp"
	"slices"
	"time"
)

const (
	daysInView = 30
	// ownTransfers is the category of money that moves between one's own
	// accounts: neither spent nor earned.
	ownTransfers = "savings"
)

// money is the book as the dashboard shows it. Sums are over the last 30 days
// and in one currency, that of the first account.
type money struct {
	book
	Currency   string
	Total      int64
	Received   int64
	Spent      int64 // positive
	ByCategory []slice
}

// slice is one bar of a chart.
type slice struct {
	Category string
	Cents    int64 // positive
	Percent  int64 // of the longest bar
}

// moneyOf sums up a book; nil for nil.
func moneyOf(b *book, now time.Time) *money {
	if b == nil {
		return nil
	}
	m := money{book: *b}
	if len(b.Accounts) > 0 {
		m.Currency = b.Accounts[0].Currency
	}
	for _, a := range b.Accounts {
		if a.Currency == m.Currency {
			m.Total += a.Cents
		}
	}
	first := now.UTC().AddDate(0, 0, 1-daysInView).Format(time.DateOnly)
	spent := map[string]int64{}
	for _, t := range b.Transactions {
		switch {
		case t.Date < first || t.Currency != m.Currency || t.Category == ownTransfers:
		case t.Cents > 0:
			m.Received += t.Cents
		default:
			m.Spent -= t.Cents
			spent[t.Category] -= t.Cents
		}
	}
	for category, cents := range spent {
		m.ByCategory = append(m.ByCategory, slice{Category: category, Cents: cents})
	}
	slices.SortFunc(m.ByCategory, func(x, y slice) int {
		return cmp.Or(cmp.Compare(y.Cents, x.Cents), cmp.Compare(x.Category, y.Category))
	})
	for i := range m.ByCategory {
		m.ByCategory[i].Percent = max(1, m.ByCategory[i].Cents*100/max(1, m.ByCategory[0].Cents))
	}
	return &m
}

// shownFirst is how many transactions the page has before "Show all".
const shownFirst = 15

func (m *money) shown(all bool) []transaction {
	if all {
		return m.Transactions
	}
	return m.Transactions[:min(len(m.Transactions), shownFirst)]
}

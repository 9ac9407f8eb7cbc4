package devidp

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"
)

// daysOfBook is how far back the transactions go, today included.
const daysOfBook = 60

type account struct {
	ID           string `json:"id"`
	Name         string `json:"name"`
	Type         string `json:"type"`
	Currency     string `json:"currency"`
	BalanceCents int64  `json:"balance_cents"`
}

type transaction struct {
	ID          string `json:"id"`
	AccountID   string `json:"account_id"`
	Date        string `json:"date"` // YYYY-MM-DD, UTC
	Description string `json:"description"`
	Category    string `json:"category"`
	AmountCents int64  `json:"amount_cents"` // negative: money spent
	Currency    string `json:"currency"`
}

// habit is something that happens on a fixed day of the month, or else on any
// day with a chance, for an amount between least and most.
type habit struct {
	day         int
	chance      float64
	category    string
	places      []string
	least, most int64 // cents; both negative for spending
}

var habits = []habit{
	{1, 0, "housing", []string{"Rent, Lindenweg 4"}, -94_000, -94_000},
	{3, 0, "utilities", []string{"Fibre & Copper Internet"}, -3_490, -3_490},
	{9, 0, "subscriptions", []string{"Lantern Streaming"}, -1_299, -1_299},
	{15, 0, "utilities", []string{"Northlight Energy"}, -8_900, -6_400},
	{18, 0, "subscriptions", []string{"Daily Herald"}, -999, -999},
	{25, 0, "income", []string{"Salary, Brightwater Ltd"}, 284_000, 284_000},
	{0, .45, "groceries", []string{"Corner Market", "Green Basket", "Saturday Bakery"}, -7_800, -650},
	{0, .28, "restaurants", []string{"Noodle Bar Sen", "Café Mirabel", "Trattoria Due"}, -4_200, -480},
	{0, .38, "transport", []string{"City Transit", "Metro Bikes", "Regional Rail"}, -2_900, -280},
	{0, .10, "shopping", []string{"Page & Spine Books", "Harbour Outfitters", "Volt Electronics"}, -14_900, -1_200},
	{0, .06, "health", []string{"Old Town Pharmacy", "Dr. Sommer"}, -5_500, -590},
	{0, .09, "leisure", []string{"Cinema Astoria", "Boulder Hall", "City Museum"}, -3_200, -800},
}

// book makes a person's accounts and transactions, newest first. The same
// person has the same transactions on the same date, whenever one looks.
func book(subject string, now time.Time) ([]account, []transaction) {
	everyday := account{subject + "-everyday", "Everyday", "checking", "EUR", 182_000}
	savings := account{subject + "-savings", "Rainy days", "savings", "EUR", 640_000}
	transactions := []transaction{}
	for age := range daysOfBook {
		day := now.UTC().AddDate(0, 0, -age)
		for _, t := range dayOfBook(subject, day) {
			into := &everyday
			if t.AccountID == savings.ID {
				into = &savings
			}
			into.BalanceCents += t.AmountCents
			transactions = append(transactions, t)
		}
	}
	return []account{everyday, savings}, transactions
}

func dayOfBook(subject string, day time.Time) []transaction {
	date := day.Format(time.DateOnly)
	seed := sha256.Sum256([]byte(subject + " " + date))
	random := rand.New(rand.NewPCG(binary.LittleEndian.Uint64(seed[:]), binary.LittleEndian.Uint64(seed[8:])))
	var happened []transaction
	add := func(account, description, category string, cents int64) {
		id := fmt.Sprintf("%s-%s-%d", subject, date, len(happened)+1)
		happened = append(happened, transaction{id, subject + "-" + account, date, description, category, cents, "EUR"})
	}
	if day.Day() == 26 {
		add("everyday", "Transfer to Rainy days", "savings", -30_000)
		add("savings", "Transfer from Everyday", "savings", 30_000)
	}
	for _, h := range habits {
		// Both are drawn for every habit, so that one does not shift the next.
		chance, place, amount := random.Float64(), random.IntN(len(h.places)), h.least
		if h.most > h.least {
			amount += random.Int64N(h.most - h.least + 1)
		}
		if h.day == day.Day() || chance < h.chance {
			add("everyday", h.places[place], h.category, amount)
		}
	}
	slices.Reverse(happened)
	return happened
}

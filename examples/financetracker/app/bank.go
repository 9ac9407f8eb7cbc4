package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/wayleave/wayleave"
)

const (
	// transactionsScope is the permission that the API demands.
	transactionsScope = "transactions.read"
	// apiDeadline bounds all calls for one page, a renewal of the token included.
	apiDeadline = 8 * time.Second
	maxAnswer   = 4 << 20
)

// errNoPermission: the token is good, but not for this.
var errNoPermission = errors.New("the API demands the scope " + transactionsScope)

// book is what the API tells about a person.
type book struct {
	Accounts     []account     `json:"accounts"`
	Transactions []transaction `json:"transactions"` // newest first
}

type account struct {
	Name     string `json:"name"`
	Type     string `json:"type"`
	Currency string `json:"currency"`
	Cents    int64  `json:"balance_cents"`
}

type transaction struct {
	Date        string `json:"date"` // YYYY-MM-DD
	Description string `json:"description"`
	Category    string `json:"category"`
	Cents       int64  `json:"amount_cents"` // negative: money spent
	Currency    string `json:"currency"`
}

// readBook reads the person's accounts and transactions. Who the person is
// stands in the access token that client carries.
func readBook(ctx context.Context, client *http.Client, api string) (*book, error) {
	ctx, cancel := context.WithTimeout(ctx, apiDeadline)
	defer cancel()
	var b book
	if err := get(ctx, client, api+"/accounts", &b); err != nil {
		return nil, err
	}
	if err := get(ctx, client, api+"/transactions", &b); err != nil {
		return nil, err
	}
	return &b, nil
}

func get(ctx context.Context, client *http.Client, url string, into any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	switch resp.StatusCode {
	case http.StatusOK:
		if err := json.NewDecoder(io.LimitReader(resp.Body, maxAnswer)).Decode(into); err != nil {
			return fmt.Errorf("read the answer of %s: %w", url, err)
		}
		return nil
	case http.StatusUnauthorized: // a renewed token was refused as well, or none was to be had
		return fmt.Errorf("%s refused the access token: %w", url, wayleave.ErrLoginRequired)
	case http.StatusForbidden:
		return errNoPermission
	}
	return fmt.Errorf("%s answered %s", url, resp.Status)
}

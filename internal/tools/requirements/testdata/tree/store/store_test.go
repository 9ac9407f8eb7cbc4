package store

import (
	"testing"

	contract "example.org/tree/suite"
)

func TestStore(t *testing.T) { _ = Name; contract.Run(t) }

package postgres

import "strings"

// What the tests reach beside the API.

var (
	Configure = configure
	SweepOnce = (*Store).sweepOnce
)

// Statements are those whose plans are kept, with the types of their arguments.
var Statements = map[string][2]string{
	"get":     {"text, bytea", getRecord},
	"create":  {"text, bytea, bytea, timestamptz, bytea[]", createRecord},
	"replace": {"text, bytea, bigint, bytea, timestamptz, bytea[]", replaceRecord},
	"lock":    {"text, bytea", lockRecord},
	"take":    {"text, bytea", takeRecord},
	"look up": {"text, bytea, bigint", lookUpKeys},
	"scan":    {"text, bytea, bigint", scanKeys},
}

const SweepBatch = sweepBatch

// AnswerLost tells whether an error says that a write may have happened.
func AnswerLost(err error) bool { return strings.Contains(err.Error(), answerLost) }

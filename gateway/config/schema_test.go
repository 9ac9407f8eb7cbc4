package config_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"

	"github.com/wayleave/wayleave/gateway/config"
)

const schemaFile = "../../docs/wayleave.schema.json"

func TestTheSchemaInTheDocumentationIsThisOne(t *testing.T) {
	if update {
		if err := os.WriteFile(schemaFile, config.Schema(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := os.ReadFile(schemaFile); err != nil || string(got) != string(config.Schema()) {
		t.Errorf("it is not (%v): WAYLEAVE_UPDATE=1 writes it", err)
	}
}

func TestTheSchemaAcceptsWhatIsRead(t *testing.T) {
	s := newChecker(t)
	for _, file := range []string{"testdata/warnings.txt"} {
		for _, c := range cases(t, file) {
			if reason := s.check(t, c.yaml); reason != "" {
				t.Errorf("%s: %s\n%s", c.name, reason, c.yaml)
			}
		}
	}
	for _, block := range documented(t) {
		if reason := s.check(t, block); reason != "" {
			t.Errorf("%s\n%s", reason, block)
		}
	}
}

// seenByReadAlone are mistakes of several keys together, of files and
// variables, and of values that patterns do not grasp.
var seenByReadAlone = regexp.MustCompile(`^(the same key twice|a merge key|a second document|a port that|` +
	`base_url (is http|in upper|with its own)|home (below|elsewhere)|two sites|a site with|a store that lasts|a provider (that is nowhere|over http|with a pass|without a secret)|an endpoint|an entra|` +
	`openid without|scopes in one|a parameter|a bare secret|(A250 )?a secret (from|where|of several|that everybody)|an empty literal|` +
	`a value from|trusted_proxies (is|with a host)|OPS-06 health|admin at the socket|idle (longer|shorter)|a (duration|size|rate) of nothing|a lifetime|a header (that is too|of HTTP)|POL-07 (a condition is an empty text|a provider that)|a provider that is nothing|an upstream without host|` +
	`public beside|nobody beside|(A172 )?an access token|PRX-06 a path with a regular|a path (with (dots|two|a semi|an enc)|that is|of ours)|no upstream|PRX-13 an (upstream with (dots|an enc)|access)|` +
	`a certificate|two timeouts|PRX-13 two tokens|one header|an origin over)`)

func TestTheSchemaRefusesMistakes(t *testing.T) {
	s := newChecker(t)
	for _, c := range cases(t, "testdata/mistakes.txt") {
		var v any
		if yaml.Load([]byte(c.yaml), &v) != nil || v == nil {
			continue // an editor sees these without a schema
		}
		refused := s.check(t, c.yaml) != ""
		if expected := !seenByReadAlone.MatchString(c.name); refused != expected {
			t.Errorf("%s: refused %v, expected %v", c.name, refused, expected)
		}
	}
}

// checker knows the keywords of JSON Schema that the schema uses, and fails on
// any other.
type checker struct{ root map[string]any }

func newChecker(t *testing.T) checker {
	var c checker
	if err := json.Unmarshal(config.Schema(), &c.root); err != nil {
		t.Fatal(err)
	}
	return c
}

func (c checker) check(t *testing.T, text string) string {
	var v any
	if err := yaml.Load([]byte(text), &v); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return c.holds(c.root, v, "")
}

// holds says why a value does not fit, or nothing.
func (c checker) holds(schema map[string]any, v any, path string) string {
	for _, keyword := range slices.Sorted(maps.Keys(schema)) {
		if reason := c.keyword(schema, keyword, schema[keyword], v, path); reason != "" {
			return reason
		}
	}
	return ""
}

func (c checker) keyword(schema map[string]any, keyword string, is, v any, path string) string {
	object, isObject := v.(map[string]any)
	list, isList := v.([]any)
	text, isText := v.(string)
	bad := func(failed bool) string {
		if failed {
			return fmt.Sprintf("%s: %v is not %s %v", path, v, keyword, is)
		}
		return ""
	}
	switch keyword {
	case "$schema", "title", "description", "default", "examples", "$defs":
	case "$ref":
		name := strings.TrimPrefix(is.(string), "#/$defs/")
		return c.holds(c.root["$defs"].(map[string]any)[name].(map[string]any), v, path)
	case "anyOf", "oneOf":
		fit := 0
		for _, each := range is.([]any) {
			if c.holds(each.(map[string]any), v, path) == "" {
				fit++
			}
		}
		return bad(fit == 0 || keyword == "oneOf" && fit != 1)
	case "type":
		types, ok := is.([]any)
		if !ok {
			types = []any{is}
		}
		return bad(!slices.Contains(types, any(typeOf(v))) && !(typeOf(v) == "integer" && slices.Contains(types, any("number"))))
	case "enum":
		return bad(!slices.Contains(is.([]any), v))
	case "const":
		return bad(is != v)
	case "pattern":
		return bad(isText && !regexp.MustCompile(is.(string)).MatchString(text))
	case "minLength":
		return bad(isText && float64(len(text)) < is.(float64))
	case "minimum":
		n, ok := v.(int)
		return bad(ok && float64(n) < is.(float64))
	case "maximum":
		n, ok := v.(int)
		return bad(ok && float64(n) > is.(float64))
	case "minItems":
		return bad(isList && float64(len(list)) < is.(float64))
	case "maxItems":
		return bad(isList && float64(len(list)) > is.(float64))
	case "minProperties":
		return bad(isObject && float64(len(object)) < is.(float64))
	case "items":
		for i, each := range list {
			if reason := c.holds(is.(map[string]any), each, fmt.Sprintf("%s[%d]", path, i)); reason != "" {
				return reason
			}
		}
	case "required":
		for _, name := range is.([]any) {
			if _, ok := object[name.(string)]; isObject && !ok {
				return path + " lacks " + name.(string)
			}
		}
	case "propertyNames":
		for name := range object {
			if reason := c.holds(is.(map[string]any), name, path); reason != "" {
				return reason
			}
		}
	case "properties":
		for name, each := range is.(map[string]any) {
			if value, ok := object[name]; ok {
				if reason := c.holds(each.(map[string]any), value, path+"."+name); reason != "" {
					return reason
				}
			}
		}
	case "additionalProperties":
		known, _ := schema["properties"].(map[string]any)
		for name, value := range object {
			if known[name] != nil {
				continue
			}
			if is == false {
				return path + " has the unknown key " + name
			}
			if reason := c.holds(is.(map[string]any), value, path+"."+name); reason != "" {
				return reason
			}
		}
	default:
		return "the schema uses " + keyword + ", which this test does not know"
	}
	return ""
}

func typeOf(v any) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case bool:
		return "boolean"
	case int, int64, uint64:
		return "integer"
	case float64:
		if v == math.Trunc(v) {
			return "integer"
		}
		return "number"
	case map[string]any:
		return "object"
	case []any:
		return "array"
	case string:
		return "string"
	}
	return fmt.Sprintf("%T", v)
}

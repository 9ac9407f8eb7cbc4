package config

import (
	"encoding/json"
	"maps"
	"strings"
)

// Schema is the JSON Schema (draft 2020-12) of a file, for editors:
//
//	# yaml-language-server: $schema=wayleave.schema.json
//
// It says how a file is written; what concerns several keys is known to [Read] alone.
func Schema() []byte {
	defs := map[string]any{"fetched": fetchedSchema()}
	top := fileShape.objectSchema(defs)
	top["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	top["title"] = "Configuration of the Wayleave gateway"
	top["$defs"] = defs
	top["oneOf"] = []any{map[string]any{"required": []string{"base_url", "routes"}}, map[string]any{"required": []string{"sites"}}}
	for _, title := range []string{alternativeShape.title, headerNames.title} {
		defs[slug(title)].(map[string]any)["minProperties"] = 1
	}
	route := defs[slug(routeShape.title)].(map[string]any)
	route["oneOf"] = []any{map[string]any{"required": []string{"path"}}, map[string]any{"required": []string{"exact"}}}
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(top); err != nil {
		panic(err) // maps, lists and text
	}
	return []byte(b.String())
}

func fetchedSchema() any {
	one := func(name, what string) any {
		return map[string]any{"type": "object", "additionalProperties": false, "required": []string{name},
			"properties": map[string]any{name: map[string]any{"type": "string", "minLength": 1, "description": what}}}
	}
	return map[string]any{"anyOf": []any{
		one(fromFile, "The value is in this file; a line break at its end is dropped."),
		one(fromEnv, "The value is in this environment variable."),
	}}
}

// plain is what YAML makes of a text.
func plain(text string) any {
	var value any
	if json.Unmarshal([]byte(text), &value) == nil {
		return value
	}
	return text
}

func slug(title string) string { return strings.ReplaceAll(title, " ", "-") }

// schemaOf puts objects into defs, and refers to them.
func (f *form) schemaOf(defs map[string]any) any {
	switch {
	case f.keys != nil:
		name := slug(f.title)
		if defs[name] == nil {
			defs[name] = map[string]any{} // so that one within itself would end
			defs[name] = f.objectSchema(defs)
		}
		return map[string]any{"$ref": "#/$defs/" + name}
	case f.choices != nil:
		var all []any
		for _, choice := range f.choices {
			all = append(all, choice.schemaOf(defs))
		}
		return map[string]any{"anyOf": all}
	case f.item != nil:
		item := f.item.schemaOf(defs)
		return map[string]any{"anyOf": []any{item, map[string]any{"type": "array", "items": item, "minItems": f.least, "maxItems": maxList}}}
	case f.values != nil:
		m := map[string]any{"type": "object", "minProperties": 1, "additionalProperties": f.values.schemaOf(defs)}
		if f.names != "" {
			m["propertyNames"] = map[string]any{"pattern": f.names}
		}
		return m
	}
	return map[string]any{"anyOf": []any{f.schema, map[string]any{"$ref": "#/$defs/fetched"}}}
}

func (f *form) objectSchema(defs map[string]any) map[string]any {
	properties := map[string]any{}
	var required []string
	for _, k := range f.keys {
		property := maps.Clone(k.form.schemaOf(defs).(map[string]any))
		property["description"] = k.doc
		if k.def != "" && !strings.Contains(k.def, " ") { // and no sentence about it
			property["default"] = plain(k.def)
		}
		properties[k.name] = property
		if k.required {
			required = append(required, k.name)
		}
	}
	m := map[string]any{"type": "object", "additionalProperties": false, "properties": properties}
	if required != nil {
		m["required"] = required
	}
	return m
}

package strictjson_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/wayleave/wayleave/internal/strictjson"
)

// claims is the payload of a common ID token.
var claims = []byte(`{"iss":"https://accounts.example.com","azp":"1234987819200.apps.example.com","aud":"1234987819200.apps.example.com",` +
	`"sub":"10769150350006150715113082367","at_hash":"HK6E_P6Dh8Y93mRNtsDB1Q","hd":"example.com","email":"jsmith@example.com",` +
	`"email_verified":true,"iat":1353601026,"exp":1353604926,"nonce":"0394852-3190485-2490358","auth_time":1353600000,` +
	`"name":"Jörg Smith","picture":"https://images.example.com/a/ACg8ocJ1b2xk=s96-c","given_name":"Jörg","family_name":"Smith",` +
	`"locale":"en","amr":["pwd","otp"],"acr":"urn:example:silver","sid":"08a5019c-17e1-4977-8f42-65a12843ea02"}`)

func BenchmarkClaims(b *testing.B) {
	b.Run("strictjson", func(b *testing.B) {
		b.SetBytes(int64(len(claims)))
		b.ReportAllocs()
		for b.Loop() {
			o, err := strictjson.Parse(claims, 1<<16)
			if err != nil {
				b.Fatal(err)
			}
			sub, _, _ := o.String("sub")
			nonce, _, _ := o.String("nonce")
			exp, _, _ := o.Number("exp")
			if sub == "" || nonce == "" || exp == "" {
				b.Fatal("missing")
			}
		}
	})
	b.Run("encoding-json-struct", func(b *testing.B) {
		b.SetBytes(int64(len(claims)))
		b.ReportAllocs()
		for b.Loop() {
			var c struct {
				Sub, Nonce string
				Exp        json.Number
			}
			if err := json.Unmarshal(claims, &c); err != nil || c.Sub == "" {
				b.Fatal(err)
			}
		}
	})
	b.Run("encoding-json-map", func(b *testing.B) {
		b.SetBytes(int64(len(claims)))
		b.ReportAllocs()
		for b.Loop() {
			var c map[string]any
			if err := json.Unmarshal(claims, &c); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// What an attacker can make of one mebibyte.
func BenchmarkHostile(b *testing.B) {
	var names strings.Builder
	for i := range 60_000 {
		fmt.Fprintf(&names, `"member%d":0,`, i)
	}
	for name, text := range map[string]string{
		"many names":     "{" + names.String() + `"x":0}`,
		"many elements":  `{"a":[` + strings.Repeat("0,", 500_000) + "0]}",
		"escaped string": `{"a":"` + strings.Repeat(`\u00e9`, 170_000) + `"}`,
		"small objects":  `{"a":[` + strings.Repeat(`{"a":0},`, 130_000) + "0]}",
	} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := strictjson.Parse([]byte(text), 1<<20); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

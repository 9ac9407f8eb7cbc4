package provider

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"

	"github.com/wayleave/wayleave/internal/strictjson"
	"github.com/wayleave/wayleave/oauth"
)

// The members of the document that are not named by a Call.
const (
	fromIDToken  = "id_token"
	fromUserInfo = "userinfo"
	fromToken    = "token"
)

// part is one answer under its name.
type part struct {
	name string
	raw  json.RawMessage
}

// collect makes the calls and puts all answers into one document.
func (p *Provider) collect(ctx context.Context, t *oauth.Tokens) (strictjson.Object, oauth.Claims, error) {
	parts, err := p.answers(ctx, t)
	if err != nil {
		return strictjson.Object{}, oauth.Claims{}, err
	}
	var claims oauth.Claims
	doc, err := joined(parts)
	if err == nil {
		err = claims.UnmarshalJSON(doc.JSON())
	}
	if err != nil {
		return strictjson.Object{}, oauth.Claims{}, p.refuse(ctx, &oauth.Error{Reason: "the provider's answers cannot be read together", Err: err})
	}
	return doc, claims, nil
}

func (p *Provider) answers(ctx context.Context, t *oauth.Tokens) ([]part, error) {
	parts := []part{{fromToken, jsonOf(t.Extra)}}
	if t.IDToken != nil {
		parts = append(parts, part{fromIDToken, jsonOf(t.IDToken.Claims)})
	}
	has, err := p.Client.HasUserInfo(ctx)
	if err != nil {
		return nil, err
	}
	if has && !p.profile.SkipUserInfo {
		claims, err := p.Client.UserInfo(ctx, t, p.header())
		if err != nil {
			return nil, err
		}
		parts = append(parts, part{fromUserInfo, jsonOf(claims)})
	}
	for _, call := range p.profile.Calls {
		raw, err := p.Client.Fetch(ctx, t, oauth.Call{URL: call.URL, Method: call.Method, Header: p.header()})
		if err != nil && !(call.Optional && answered(err)) {
			return nil, err
		}
		if err == nil {
			parts = append(parts, part{call.Name, raw})
		}
	}
	return parts, nil
}

// answered reports whether err is an answer, if not the one that was hoped
// for: the provider is up and does not tell.
func answered(err error) bool {
	return oauth.CheckOf(err) == oauth.CheckProfile && oauth.FaultOf(err) == oauth.FaultProvider
}

func (p *Provider) header() http.Header {
	h := http.Header{}
	for name, value := range p.profile.Header {
		h.Set(name, value)
	}
	return h
}

func jsonOf(c oauth.Claims) json.RawMessage {
	b, err := c.MarshalJSON()
	if err != nil || len(b) == 0 {
		return json.RawMessage("{}")
	}
	return b
}

// joined makes one object of the parts, each of which was parsed strictly before.
func joined(parts []part) (strictjson.Object, error) {
	var b bytes.Buffer
	for i, p := range parts {
		b.WriteByte("{,"[min(i, 1)])
		name, err := json.Marshal(p.name)
		if err != nil {
			return strictjson.Object{}, err
		}
		b.Write(name)
		b.WriteByte(':')
		b.Write(p.raw)
	}
	b.WriteByte('}')
	return strictjson.Parse(b.Bytes(), b.Len())
}

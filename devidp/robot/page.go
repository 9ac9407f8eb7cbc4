package robot

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strings"
)

// page is what the robot understands of an HTML page: its forms with their
// hidden fields and submit buttons.
type page struct {
	heading string
	text    string // all of it, for error messages
	forms   []form
	frames  []string // what iframes show
	link    string   // of the one that looks like a button
}

type form struct {
	method, action string
	fields         url.Values
	buttons        []button
}

type button struct {
	name, value string
	parts       []string // its texts
}

// readPage reads HTML with the XML decoder in its lenient mode, which is enough
// for the provider's own pages: they close what they open.
func readPage(body []byte) (page, error) {
	decoder := xml.NewDecoder(bytes.NewReader(body))
	decoder.Strict = false
	decoder.AutoClose = xml.HTMLAutoClose
	decoder.Entity = xml.HTMLEntity
	var p page
	var texts []string
	var inHeading, inStyle bool
	var current *button // being read
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			p.text = strings.Join(texts, " ")
			return p, nil
		}
		if err != nil {
			return page{}, err
		}
		switch t := token.(type) {
		case xml.StartElement:
			inHeading, inStyle = inHeading || t.Name.Local == "h1", t.Name.Local == "style"
			if opened := p.start(t); opened != nil {
				current = opened
			}
		case xml.EndElement:
			inStyle = false
			switch t.Name.Local {
			case "h1":
				inHeading = false
			case "button":
				current = nil
			}
		case xml.CharData:
			text := strings.Join(strings.Fields(string(t)), " ")
			if text == "" || inStyle {
				continue
			}
			texts = append(texts, text)
			if inHeading {
				p.heading = strings.TrimSpace(p.heading + " " + text)
			}
			if current != nil {
				current.parts = append(current.parts, text)
			}
		}
	}
}

// start takes in a form, a field or a button; a button is returned, because its
// text follows.
func (p *page) start(t xml.StartElement) *button {
	switch {
	case t.Name.Local == "iframe":
		p.frames = append(p.frames, attr(t, "src"))
	case t.Name.Local == "a" && attr(t, "class") == "primary":
		p.link = attr(t, "href")
	}
	if t.Name.Local == "form" {
		p.forms = append(p.forms, form{attr(t, "method"), attr(t, "action"), url.Values{}, nil})
		return nil
	}
	if len(p.forms) == 0 {
		return nil
	}
	f := &p.forms[len(p.forms)-1]
	switch t.Name.Local {
	case "input":
		if attr(t, "type") == "hidden" {
			f.fields.Add(attr(t, "name"), attr(t, "value"))
		}
	case "button":
		f.buttons = append(f.buttons, button{name: attr(t, "name"), value: attr(t, "value")})
		return &f.buttons[len(f.buttons)-1]
	}
	return nil
}

func attr(t xml.StartElement, name string) string {
	for _, a := range t.Attr {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

// buttons returns the first form that has buttons of this name, and those.
func (p page) buttons(name string) (form, []button) {
	for _, f := range p.forms {
		var found []button
		for _, b := range f.buttons {
			if b.name == name {
				found = append(found, b)
			}
		}
		if len(found) > 0 {
			return f, found
		}
	}
	return form{}, nil
}

// submit makes the request that a browser makes when the button is pressed.
func (f form) submit(at *url.URL, pressed button) (*http.Request, error) {
	action, err := at.Parse(f.action)
	if err != nil {
		return nil, err
	}
	if !strings.EqualFold(f.method, "post") {
		return nil, errors.New("the form does not post")
	}
	fields := url.Values{}
	maps.Copy(fields, f.fields)
	if pressed.name != "" {
		fields.Add(pressed.name, pressed.value)
	}
	request, err := http.NewRequest(http.MethodPost, action.String(), strings.NewReader(fields.Encode()))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.Header.Set("Origin", at.Scheme+"://"+at.Host)
	return request, nil
}

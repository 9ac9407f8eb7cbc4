package config

import (
	"fmt"
	"os"
	"runtime"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/wayleave/wayleave/oauth"
)

const (
	secretWhat = "file:PATH, env:NAME or literal:VALUE"
	secretCure = "write file:PATH or env:NAME, or literal:VALUE if it has to stand in this file"
)

// clientSecret declares a secret, which does not stand in the file unless
// somebody insists. An entry for development may have it bare.
func clientSecret() key[entry] {
	k := at("client_secret", shape[oauth.Secret]{form: &form{what: secretWhat, schema: anyText()}}, func(p *entry) *oauth.Secret { return &p.ClientSecret },
		"The secret that the provider issued: in a file that not everybody can read, in an environment variable, or here as `literal:VALUE`. With `development`, bare.")
	k.read = func(d *decoder, n *yaml.Node, path string, p *entry) {
		bare := p.dev.on || d.wrong(strings.TrimSuffix(path, "client_secret")+"development") // which is told already
		p.ClientSecret = oauth.NewSecret(d.secret(n, path, bare))
	}
	return k
}

func (d *decoder) secret(n *yaml.Node, path string, bare bool) string {
	opened := d.open(n, path)
	d.hide(opened)
	written := opened.Value
	switch {
	case isFetched(opened):
		written = map[string]string{fromFile: "file:", fromEnv: "env:"}[opened.Content[0].Value] + opened.Content[1].Value
	case opened.Kind != yaml.ScalarNode || isNull(opened) || opened.Style&yaml.TaggedStyle != 0:
		d.unfit(opened, path, secretWhat, "")
		return ""
	}
	value, f := d.reveal(written, bare)
	if f != nil {
		d.bad(n, path, f.reason, f.cure)
		return ""
	}
	if !d.printable(n, path, value) {
		return ""
	}
	return value
}

func (d *decoder) reveal(written string, bare bool) (string, *fault) {
	kind, rest, ok := strings.Cut(written, ":")
	switch {
	case ok && kind == "file" && rest != "":
		return d.content(rest, true)
	case ok && kind == "env":
		return d.variable(rest)
	case ok && kind == "literal":
		return rest, nil
	case bare:
		return written, nil
	}
	return "", &fault{"the secret stands in the file itself", secretCure}
}

// onlyOwners refuses a secret that everybody on the machine can read.
func onlyOwners(file string) *fault {
	info, err := os.Stat(file)
	if err != nil || !info.Mode().IsRegular() || runtime.GOOS == "windows" { // what is no file is reported when it is read
		return nil
	}
	if mode := info.Mode().Perm(); mode&0o007 != 0 {
		return &fault{fmt.Sprintf("everybody can read or change the file %s (mode %04o)", file, mode), "run chmod o-rwx on it; in Kubernetes set defaultMode: 0440"}
	}
	return nil
}

// literalsOf warns of a configuration file with secrets that all can read.
func (d *decoder) literalsOf(path string) {
	if onlyOwners(path) == nil {
		return
	}
	for _, n := range d.starts {
		if n.Kind == yaml.ScalarNode && strings.HasPrefix(n.Value, "literal:") {
			d.warn(n, "", "a secret stands in this file, and everybody can read the file", "run chmod o-rwx on it, or move the secret to a file of its own")
		}
	}
}

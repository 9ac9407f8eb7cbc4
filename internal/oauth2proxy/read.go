package oauth2proxy

import (
	"regexp"
	"strings"
)

var (
	alphaKey  = regexp.MustCompile(`(?m)^(upstreamConfig|injectRequestHeaders|injectResponseHeaders|metricsServer)\s*:`)
	alphaList = regexp.MustCompile(`(?m)^(providers|server)\s*:\s*(#.*)?$`)
	tomlKey   = regexp.MustCompile(`(?m)^[ \t]*"?([a-z][a-z0-9_]*)"?[ \t]*=`)
	flagWord  = regexp.MustCompile(`(^|[\s"'\[,])--?[a-z][a-z0-9-]+`)
)

// read finds out how the settings are written, and reads them.
func read(content string) (*settings, error) {
	s := &settings{given: map[string]*setting{}}
	content = strings.TrimPrefix(content, "\ufeff")
	hasFlags := flagWord.MatchString(content) || strings.Contains(content, "OAUTH2_PROXY_")
	switch {
	case alphaKey.MatchString(content), alphaList.MatchString(content) && !hasFlags:
		return nil, ErrAlpha
	case isTOML(content):
		(&toml{settings: s, rest: content}).read()
	case s.yaml(content):
	default:
		s.lines(content)
	}
	return s, nil
}

// isTOML: a line begins with one of their keys and an equals sign. A value such
// as a template can hold anything, hyphens too.
func isTOML(content string) bool {
	if strings.Contains(content, "ExecStart") {
		return false
	}
	for _, m := range tomlKey.FindAllStringSubmatch(content, -1) {
		if byName[m[1]] != nil || strings.Contains(m[1], "_") {
			return true
		}
	}
	return false
}

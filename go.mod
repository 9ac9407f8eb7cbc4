module github.com/wayleave/wayleave

go 1.26.0

require (
	github.com/a-h/templ v0.3.977
	github.com/go-jose/go-jose/v4 v4.1.8
	golang.org/x/oauth2 v0.37.0
	pgregory.net/rapid v1.3.0
)

require github.com/google/go-cmp v0.7.0 // indirect

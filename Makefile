# What `go` alone cannot say. Everything else is plain go commands.

.PHONY: help test quick prove demo generate api

help: ## print this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

test: ## run every check and test; INSTALL=1 as root on Debian installs what is missing
	@scripts/test.sh

quick: ## run the tests that need only Go
	go test ./...

prove: ## run what is too long for test, and write the results to docs/proof/
	scripts/prove.sh abandoned-logins -- env WAYLEAVE_STARTS=1000000 \
		go test -run '^$$' -bench '^BenchmarkAbandonedLogins$$' -benchtime 1x -timeout 2h .
	scripts/prove.sh performance -- \
		go test -run '^$$' -bench . -skip '^BenchmarkAbandonedLogins$$' -benchmem -timeout 2h ./...

demo: ## start the demo and print its address
	go run ./cmd/wayleave demo

generate: ## rebuild the generated code from its templates
	go tool -modfile=tools/go.mod templ generate

api: ## write the exported API to docs/api.txt
	go run ./internal/tools/apilist >docs/api.txt

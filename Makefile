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
	scripts/prove.sh crashes -- env WAYLEAVE_CRASH_ROUNDS=1000 \
		go test -count=1 -v -run '^TestA011_Crash' -timeout 1h ./store/embedded
	scripts/prove.sh stores -- env WAYLEAVE_TEST_LONG=1 WAYLEAVE_TEST_FULL=1 \
		go test -count=1 -race -timeout 1h ./store/...
	scripts/prove.sh replicas -- env WAYLEAVE_REPLICAS=long WAYLEAVE_TEST_FULL=1 \
		go test -count=1 -v -timeout 1h ./test/replicas
	scripts/prove.sh gateway -- env WAYLEAVE_GATEWAY=long WAYLEAVE_TEST_FULL=1 \
		go test -count=1 -v -run 'Held|Reload|Restart' -timeout 1h ./test/gateway
	scripts/prove.sh restarts -- env WAYLEAVE_TEST_LONG=1 \
		go test -count=1 -v -run 'Restart' -timeout 1h ./internal/serving
	scripts/prove.sh soak -- env WAYLEAVE_GATEWAY=long \
		go test -count=1 -v -run '^TestSoak$$' -timeout 1h ./test/gateway
	scripts/prove.sh million-sessions -- env WAYLEAVE_SESSIONS=1000000 WAYLEAVE_TEST_FULL=1 \
		go test -run '^$$' -bench '^BenchmarkMillion$$' -benchtime 1x -timeout 2h ./test/failure
	scripts/prove.sh performance -- \
		go test -run '^$$' -bench . -skip '^(BenchmarkAbandonedLogins|BenchmarkMillion)$$' -benchmem -timeout 2h ./...

demo: ## start the demo and print its address
	go run ./cmd/wayleave demo

generate: ## rebuild the generated code from its templates
	go tool -modfile=tools/go.mod templ generate

api: ## write the exported API to docs/api.txt
	go run ./internal/tools/apilist >docs/api.txt

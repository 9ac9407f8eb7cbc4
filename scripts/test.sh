#!/usr/bin/env bash
# The full test run: every check and every test of every module, with nothing
# skipped. `scripts/test.sh STAGE...` runs only the stages named.
#
# Each stage is a function below, run as a process of its own with its output in
# artifacts/logs/. A stage that fails prints that output; the others still run.
# The servers that tests need are started by the tests, on free loopback ports,
# and end with them.
set -euo pipefail
cd "$(dirname "$0")/.."

stages=(packages format vet fix staticcheck generated api builds tests tools provider browser fuzz benchmarks)
modules=(. tools test/browser bench)

export WAYLEAVE_TEST_FULL=1 # what would skip fails instead
export WAYLEAVE_ARTIFACTS=$PWD/artifacts/browser
tally=$PWD/artifacts/tally
events=$PWD/artifacts/events

# The npm packages of the OpenID provider. No install scripts: none is needed.
stage_packages() {
	cd test/oidcprovider
	if cmp -s package-lock.json node_modules/.installed; then return; fi
	npm ci --ignore-scripts --no-audit --no-fund
	cp package-lock.json node_modules/.installed
}

stage_format() {
	local files
	files=$(gofmt -l .)
	if [[ -n $files ]]; then
		printf 'run gofmt -w on:\n%s\n' "$files"
		return 1
	fi
}

stage_vet() { each_module go vet ./...; }

stage_fix() { each_module go fix -diff ./...; }

stage_staticcheck() { each_module go tool -modfile="$PWD/tools/go.mod" staticcheck ./...; }

# Generated code is compared with what its templates give in a folder of their
# own, so that the tree stays as it is.
stage_generated() {
	local sources file stale=0
	mapfile -t sources < <(find . -name node_modules -prune -o -name '*.templ' -print)
	if ((${#sources[@]} == 0)); then return; fi
	fresh=$(mktemp -d)
	trap 'rm -rf "$fresh"' EXIT
	cp --parents go.mod "${sources[@]}" "$fresh"
	go build -o "$fresh/templ" -modfile=tools/go.mod github.com/a-h/templ/cmd/templ
	(cd "$fresh" && ./templ generate -log-level error)
	for file in "${sources[@]}"; do
		file=${file%.templ}_templ.go
		cmp "$file" "$fresh/$file" || stale=1
	done
	if ((stale)); then
		echo 'run make generate'
		return 1
	fi
}

stage_api() { go run ./internal/tools/apilist -check docs/api.txt; }

# The command is for machines that this run is not on.
stage_builds() {
	local os arch
	for target in darwin/arm64 windows/amd64; do
		os=${target%/*} arch=${target#*/}
		CGO_ENABLED=0 GOOS=$os GOARCH=$arch go build -o /dev/null ./cmd/wayleave
	done
}

# Everything that needs only Go, with the race detector.
stage_tests() {
	local all
	all=$(go list ./... | grep -v '^github.com/wayleave/wayleave/test/')
	mapfile -t all <<<"$all"
	go_test tests -race "${all[@]}"
}

stage_tools() {
	cd tools
	go_test tools ./...
}

# What talks to programs that we did not write.
stage_provider() { go_test provider -race ./test/...; }

stage_browser() {
	cd test/browser
	go_test browser -race ./...
}

# Each target gets a number of inputs, not a time: a time that runs out while
# the machine is busy is reported as a failure (go.dev/issue/75804).
stage_fuzz() {
	local file target folder failed=0
	while IFS=: read -r file target; do
		target=${target#func }
		folder=$(dirname "$file")
		timeout 120 go test -json -run '^$' -fuzz "^$target\$" -fuzztime 2000x -fuzzminimizetime 100x "$folder" |
			"$tally" -record "$events/fuzz-${folder//[.\/]/-}-$target.json" || failed=1
	done < <(grep -roE --include='*_test.go' --exclude-dir={node_modules,testdata} '^func Fuzz[A-Za-z0-9_]+' .)
	return $failed
}

stage_benchmarks() { go test -run '^$' -bench . -benchtime 1x ./...; }

each_module() {
	local module failed=0
	for module in "${modules[@]}"; do
		(cd "$module" && "$@") || failed=1
	done
	return $failed
}

go_test() { # NAME ARGUMENT...
	local name=$1
	shift
	go test -json -shuffle=on -timeout 10m "$@" | "$tally" -record "$events/$name.json"
}

if [[ ${1:-} == --stage ]]; then # this process is one stage
	"stage_$2"
	exit
fi

start=$SECONDS
rm -rf artifacts
mkdir -p artifacts/logs "$events"
printf '%-12s' needs
scripts/needs.sh >artifacts/logs/needs.log 2>&1 || { echo; cat artifacts/logs/needs.log; exit 2; }
echo "ok     $((SECONDS - start)) s"
go build -C tools -o "$tally" ./tally

(($# > 0)) && stages=("$@")
failed=()
set -m # each stage gets a process group, which an interrupted run ends as a whole
trap 'kill -- -"$stage_pid"; exit 130' INT TERM
for stage in "${stages[@]}"; do
	began=$SECONDS
	printf '%-12s' "$stage"
	scripts/test.sh --stage "$stage" >"artifacts/logs/$stage.log" 2>&1 </dev/null &
	stage_pid=$!
	if wait "$stage_pid"; then
		echo "ok     $((SECONDS - began)) s"
	else
		echo "FAILED $((SECONDS - began)) s"
		failed+=("$stage")
		cat "artifacts/logs/$stage.log"
	fi
done

echo "took $((SECONDS - start)) s; logs and screenshots are in artifacts/"
((${#failed[@]} == 0)) || echo "FAILED: ${failed[*]}"
shopt -s nullglob
recorded=("$events"/*.json)
((${#recorded[@]} == 0)) || "$tally" -total "${recorded[@]}" || exit 1
((${#failed[@]} == 0))

#!/usr/bin/env bash
# Runs a long program and keeps what it printed, with the commit, the command and
# the machine, as docs/proof/NAME.md:
#
#	scripts/prove.sh NAME -- COMMAND...
#
# Only a command that succeeds replaces the proof of an earlier one.
set -euo pipefail
cd "$(dirname "$0")/.."

if (($# < 3)) || [[ $2 != -- || ! $1 =~ ^[a-z0-9-]+$ ]]; then
	echo "usage: scripts/prove.sh NAME -- COMMAND..." >&2
	exit 2
fi
name=$1
shift 2

output=$(mktemp)
trap 'rm -f "$output"' EXIT

# The proofs themselves may differ from the commit: this command writes them.
commit=$(git rev-parse HEAD)
[[ -z $(git status --porcelain -- . ':!docs/proof') ]] || commit="$commit, with uncommitted changes"
machine="$(uname -sm), $(nproc) cores, $(awk -F ': *' '/^model name/ { print $2; exit }' /proc/cpuinfo)"
memory=$(awk '/^MemTotal/ { printf "%.0f GiB", $2 / 1048576 }' /proc/meminfo)
date=$(date -u +%Y-%m-%d)
start=$SECONDS
"$@" 2>&1 | tee "$output"
took=$((SECONDS - start))

mkdir -p docs/proof
cat >"docs/proof/$name.md" <<END
# Proof: $name

| | |
|---|---|
| commit | $commit |
| date | $date |
| command | \`$(printf '%q ' "$@" | sed 's/ $//')\` |
| machine | $machine, $memory |
| Go | $(go env GOVERSION) |
| took | $took s |

\`\`\`
$(cat "$output")
\`\`\`
END
echo "wrote docs/proof/$name.md"

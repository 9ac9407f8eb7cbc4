#!/usr/bin/env bash
# Finds what the full test run needs from the machine. What is missing is
# installed when this is root on Debian and CI=true or INSTALL=1 allows it;
# otherwise it is named and the exit status is 2.
#
# A new need is one line below the functions: what it is called, how to see
# that it is there, and the Debian packages that bring it.
set -euo pipefail
cd "$(dirname "$0")/.."

missing=() packages=()

need() { # NAME CHECK PACKAGE...
	local name=$1 check=$2
	shift 2
	if ! $check >/dev/null 2>&1; then
		missing+=("$name (Debian: $*)")
		packages+=("$@")
	fi
}

has() { command -v "$1"; }
compiles_c() { echo '#include <stdlib.h>' | gcc -E -; }
has_font() { [[ -n $(find /usr/share/fonts /usr/local/share/fonts -name '*.[to]tf' -print -quit) ]]; }
has_postgres() { compgen -G '/usr/lib/postgresql/*/bin/initdb' || has initdb; } # Debian keeps it out of the path

check_needs() {
	missing=() packages=()
	need git 'has git' git
	need make 'has make' make
	need 'a C compiler, for the race detector' compiles_c gcc libc6-dev
	need chromium 'has chromium' chromium
	need 'a font for chromium' has_font fonts-dejavu-core
	need certutil 'has certutil' libnss3-tools
	need npm 'npm --version' npm nodejs
	need redis-server 'has redis-server' redis-server
	need redis-cli 'has redis-cli' redis-tools
	need PostgreSQL has_postgres postgresql
	need nginx 'has nginx' nginx-light
	need caddy 'has caddy' caddy
}

# Go comes first: Debian's own is too old, and everything else is in vain
# without it. In this folder `go version` already is the toolchain go.mod asks for.
if ! has go >/dev/null; then
	echo "missing: Go 1.26 or newer (https://go.dev/dl/)" >&2
	exit 2
fi
version=$(go env GOVERSION)
if ! [[ $version =~ ^go1\.([0-9]+) ]] || ((BASH_REMATCH[1] < 26)); then
	echo "missing: Go 1.26 or newer (https://go.dev/dl/); this is $version" >&2
	exit 2
fi

check_needs
((${#missing[@]} == 0)) && exit 0

may_install() {
	[[ ${CI:-} == true || ${INSTALL:-} == 1 ]] && [[ $(id -u) == 0 && -e /etc/debian_version ]] && has apt-get >/dev/null
}
if may_install; then
	export DEBIAN_FRONTEND=noninteractive
	apt-get update </dev/null
	apt-get install -y --no-install-recommends -o DPkg::Lock::Timeout=300 "${packages[@]}" </dev/null
	check_needs
	((${#missing[@]} == 0)) && exit 0
fi

printf 'missing: %s\n' "${missing[@]}" >&2
echo "On Debian, INSTALL=1 make test as root installs it, or:" >&2
echo "    sudo apt-get install --no-install-recommends ${packages[*]}" >&2
exit 2

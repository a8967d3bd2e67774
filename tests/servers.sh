#!/bin/sh
# Installs the real servers that some tests talk to over loopback, from Debian. Nothing is started:
# the tests run the programs themselves, from folders and on ports of their own.
set -eu

# program:package, by default those of the tests; some programs live where only root's PATH looks
programs=${*:-nginx:nginx-light unbound:unbound}
PATH=${PATH:-/usr/bin:/bin}:/usr/sbin
policy=/usr/sbin/policy-rc.d

missing=
for entry in $programs; do
    command -v "${entry%%:*}" >/dev/null || missing="$missing ${entry##*:}"
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" -ne 0 ]; then
    echo "servers: missing from Debian:$missing (install as root; what needs them is skipped)"
    exit 0
fi

# Debian starts a service as soon as it is installed, unless this file forbids it.
if [ ! -e "$policy" ]; then
    trap 'rm -f "$policy"' EXIT
    trap 'exit 1' HUP INT TERM
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
fi

export DEBIAN_FRONTEND=noninteractive
log=$(mktemp)
# One word is one package.
# shellcheck disable=SC2086
if ! {
    apt-get -qq update &&
        apt-get -qq -y -o DPkg::Lock::Timeout=120 install --no-install-recommends $missing
} </dev/null >"$log" 2>&1; then
    cat "$log" >&2
    rm -f "$log"
    echo "servers: could not install$missing" >&2
    exit 1
fi
rm -f "$log"

#!/bin/sh
# Installs the probe on this machine, or upgrades it: the same command does both.
#
#   sh deploy/install.sh [WHEEL]      from this source tree, or from a wheel of it
#   sh deploy/install.sh --uninstall  removes the program; configuration and results stay
#
# Every version gets a folder of its own below /opt/probe, and "current" points to the one in use:
# if anything goes wrong before the last step, the old version is still there, and running.
# Nothing is started that was not running before. pip's own settings are honoured, so without a
# package index: PIP_NO_INDEX=1 PIP_FIND_LINKS=FOLDER sh deploy/install.sh
set -eu

program=/opt/probe
config=/etc/probe
results=/var/lib/probe
units=/etc/systemd/system
python=${PYTHON:-python3}
here=$(cd "$(dirname "$0")" && pwd)
source=$(dirname "$here")
services=$(cd "$here" && echo *.service)

fail() {
    echo "install: $*" >&2
    exit 1
}

systemd_runs() { [ -d /run/systemd/system ]; }

uninstall() {
    for service in $services; do
        if systemd_runs && [ -e "$units/$service" ]; then
            systemctl disable --now "$service"
        fi
        rm -rf "${units:?}/$service" "$units/$service.d/10-backoff.conf"
    done
    if systemd_runs; then systemctl daemon-reload; fi
    rm -rf "$program" /usr/local/bin/probe /etc/systemd/journald@probe.conf
    echo "The program is gone. What it knew is still there. To remove that too, with its log:"
    echo "    rm -rf $config $results /var/lib/probe-control /var/log/journal/*.probe"
    echo "    userdel probe; userdel probe-control"
}

[ "$(id -u)" -eq 0 ] || fail "this needs root: sudo sh $0"
umask 022
if [ "${1:-}" = --uninstall ]; then
    uninstall
    exit 0
fi
what=${1:-$source}
case $what in
-*) fail "there is no option $what; see the first lines of $0" ;;
*) [ -e "$what" ] || fail "$what: no such file" ;;
esac

"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
    fail "Python 3.11 or newer is needed; Debian has it since version 12"
"$python" -c 'import ensurepip, venv' 2>/dev/null ||
    fail "a package is missing: apt-get install python3-venv"

# The new version, beside the old one.
release=$program/$(date -u +%Y%m%dT%H%M%SZ)
mkdir -p "$program"
scratch=$(mktemp -d)
trap 'rm -rf "$release" "$scratch"' EXIT
trap 'exit 1' HUP INT TERM
echo "installing into $release"
pip() {
    with=$1
    shift
    "$with/bin/pip" --disable-pip-version-check --no-cache-dir "$@"
}
if [ -d "$what" ]; then # what builds it has no business where it runs
    "$python" -m venv "$scratch/builder"
    pip "$scratch/builder" install --quiet --require-hashes -r "$source/requirements-build.txt"
    pip "$scratch/builder" wheel --quiet --no-build-isolation --no-deps -w "$scratch" "$what"
    what=$(echo "$scratch"/*.whl)
fi
"$python" -m venv "$release"
pip "$release" install --quiet --require-hashes -r "$here/requirements.txt"
pip "$release" install --quiet --no-index --no-deps "$what"
mkdir -p "$release/share/doc/probe"
cp -R "$source"/docs/*.md "$source/README.md" "$source/LICENSE" "$source/CHANGELOG.md" \
    "$release/share/doc/probe/"
version=$("$release/bin/probe" --version) || fail "the new version does not run"
if [ -e "$config/probe.yaml" ]; then
    "$release/bin/probe" plan -c "$config/probe.yaml" -o /dev/null ||
        fail "$version refuses $config/probe.yaml; the version in use stays"
fi

# Users, configuration, results: made once, and kept by every upgrade.
for user in probe probe-control; do
    id -u "$user" >/dev/null 2>&1 ||
        useradd --system --user-group --no-create-home --home-dir /nonexistent \
            --shell /usr/sbin/nologin "$user"
done
install -d -o root -g probe -m 0750 "$config"
install -d -o probe-control -g probe-control -m 0700 /var/lib/probe-control
[ -d "$results" ] || install -d -o probe -g probe -m 0750 "$results"
if [ ! -e "$config/probe.yaml" ]; then
    sed "s|^results:.*|results: $results|" "$source/configs/quickstart.yaml" >"$config/probe.yaml"
    chmod 0640 "$config/probe.yaml"
fi
chown root:probe "$config/probe.yaml"
if [ ! -e "$config/secrets.env" ]; then
    (umask 077 && echo "# NAME=secret, one a line, for keys that end in _env" >"$config/secrets.env")
fi

# From here on it is the new one.
before=$(readlink "$program/current" || true)
ln -s "$release" "$program/current.new"
mv -T "$program/current.new" "$program/current"
trap 'rm -rf "$scratch"' EXIT
ln -sf "$program/current/bin/probe" /usr/local/bin/probe
for old in "$program"/2*; do # all but this one and the one before it
    case $old in "$release" | "$before") ;; *) rm -rf "$old" ;; esac
done

if [ -d "$units" ]; then
    for service in $services; do
        install -m 0644 "$here/$service" "$units/$service"
    done
    install -m 0644 "$here/journald@probe.conf" /etc/systemd/journald@probe.conf
    number=$(systemctl --version 2>/dev/null | sed -n '1s/[^0-9]*\([0-9]*\).*/\1/p')
    if [ "${number:-0}" -ge 254 ]; then
        for service in $services; do
            mkdir -p "$units/$service.d"
            install -m 0644 "$here/backoff.conf" "$units/$service.d/10-backoff.conf"
        done
    fi
fi
if systemd_runs; then
    systemctl daemon-reload
    # shellcheck disable=SC2086
    systemctl try-restart $services
fi

echo "$version is installed."
if [ -z "$before" ]; then
    cat <<END
Nothing has been sent yet. Next:
  1. write what to measure into $config/probe.yaml
  2. probe doctor -c $config/probe.yaml
  3. probe plan -c $config/probe.yaml     (everything that would be sent; read docs/safety.md)
  4. systemctl enable --now probe
END
fi

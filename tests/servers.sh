#!/bin/sh
# Installs from Debian the real servers that some tests talk to, and what the laboratory (tests/lab)
# is built of. Nothing is started: the tests run the programs themselves, from folders and on ports
# of their own.
set -eu

# program:package, by default those of the tests; a package without a program is told by a file of
# its own. Some programs live where only root's PATH looks.
headers=/usr/include/libnetfilter_queue/libnetfilter_queue.h:libnetfilter-queue-dev
headers="$headers /usr/include/libnfnetlink/libnfnetlink.h:libnfnetlink-dev"
headers="$headers /usr/include/stdio.h:libc6-dev python3-config:python3-dev gcc:gcc"
network="ip:iproute2 iptables:iptables nft:nftables ethtool:ethtool sysctl:procps setpriv:util-linux"
vpn="openvpn:openvpn /usr/lib/ipsec/charon:strongswan-charon swanctl:strongswan-swanctl wireguard-go:wireguard-go wg:wireguard-tools turnserver:coturn microsocks:microsocks tinyproxy:tinyproxy-bin openssl:openssl gnutls-serv:gnutls-bin ocserv:ocserv ss-server:shadowsocks-libev trojan:trojan v2ray:v2ray obfs4proxy:obfs4proxy caddy:caddy"
dialup="pppd:ppp xl2tpd:xl2tpd pptpd:pptpd /usr/libexec/softether/vpnserver/vpnserver:softether-vpnserver"
deploy="systemd-analyze:systemd shellcheck:shellcheck"
programs=${*:-nginx:nginx-light unbound:unbound chromium:chromium promtool:prometheus $network $headers $vpn $dialup $deploy}
PATH=${PATH:-/usr/bin:/bin}:/usr/sbin:/sbin
policy=/usr/sbin/policy-rc.d

missing=
for entry in $programs; do
    case $entry in
    /*) [ -e "${entry%%:*}" ] || missing="$missing ${entry##*:}" ;;
    *) command -v "${entry%%:*}" >/dev/null || missing="$missing ${entry##*:}" ;;
    esac
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

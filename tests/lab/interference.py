"""Everything that the censor does to a target, each with the verdict that it deserves.

The parameters are those that have been measured (rules.py and forging.py name the sources). All of
them are in force at once, on a line in order, with a control that counts.
"""

from typing import Any, Final

from lab.rules import (
    Act,
    DnsDrop,
    DnsInject,
    Forged,
    Freeze,
    HttpPage,
    IcmpUnreachable,
    Mitm,
    NameDrop,
    NameReset,
    NullRoute,
    Residual,
    RstAnyData,
    RstToSyn,
    Throttle,
)
from lab.scenario import Right, Scenario

# Residual blocking is scaled down together with the quarantine (``settings.QUARANTINE``).
RESIDUAL: Final = 1.5  # seconds
ANOTHERS: Final = "31.13.1.1"  # a site of another name, with a good certificate of its own
_BIG: Final = {"url": "https://{name}/big", "options": {"transfer": 128 * 1024}}
_BOGON: Final = Forged(addresses=("10.10.34.35",))
_FOREIGN: Final = Forged(addresses=("31.13.77.33",), after=0.003)
_DROPBOX: Final = Forged(addresses=("31.13.94.37",), after=0.002, injector=1)
# An operator's page in the vantage's country, as configs/fingerprints/dns.yaml knows it.
BLOCK_PAGE: Final = "188.186.154.79"
_THIRD: Final = Forged(addresses=("31.13.80.54",), after=0.004, injector=3)
_TEREDO: Final = Forged(addresses=("2001::1f0d:4d21",))


def _blocked(mechanism: str) -> Right:
    return Right(("blocked",), mechanism)


def _degraded(mechanism: str) -> Right:
    return Right(("degraded",), mechanism)


def _dns(id_: str, mechanism: str, *acts: Act, **more: Any) -> Scenario:
    return Scenario(id=f"dns-{id_}", right=_blocked(mechanism), by_name=acts, **more)


def _forged(id_: str, rcode: Any) -> Scenario:
    act = DnsInject(answers=(Forged(rcode=rcode),), suppress=True)
    return _dns(id_, "dns.injection.other", act)


def _sni(id_: str, mechanism: str, *acts: Act, **more: Any) -> Scenario:
    return Scenario(id=f"sni-{id_}", right=_blocked(mechanism), by_name=acts, **more)


def _place(id_: str, mechanism: str, *acts: Act, **more: Any) -> Scenario:
    return Scenario(id=f"ip-{id_}", right=_blocked(mechanism), by_address=acts, **more)


def _page(id_: str, mechanism: str, act: Act) -> Scenario:
    return Scenario(
        id=f"http-{id_}", right=_blocked(mechanism), url="http://{name}/", by_name=(act,)
    )


_DNS: Final = (
    _dns("one-bogon", "dns.injection.bogon", DnsInject(answers=(_BOGON,))),
    _dns("one-foreign", "dns.injection.other", DnsInject(answers=(_FOREIGN,))),
    _dns("two", "dns.injection.other", DnsInject(answers=(_DROPBOX, _FOREIGN))),
    _dns("three", "dns.injection.other", DnsInject(answers=(_DROPBOX, _FOREIGN, _THIRD))),
    _dns("suppressed", "dns.injection.other", DnsInject(answers=(_FOREIGN,), suppress=True)),
    _dns("suppressed-bogon", "dns.injection.bogon", DnsInject(answers=(_BOGON,), suppress=True)),
    _dns(
        "anothers",
        "dns.injection.other",
        DnsInject(answers=(Forged(addresses=(ANOTHERS,)),), suppress=True),
    ),
    _dns(
        "blockpage",
        "dns.injection.blockpage",
        DnsInject(answers=(Forged(addresses=(BLOCK_PAGE,)),), suppress=True),
    ),
    _dns("aaaa", "dns.injection.bogon", DnsInject(answers=(_TEREDO,)), ipv6=True),
    _forged("nxdomain", "NXDOMAIN"),
    _forged("refused", "REFUSED"),
    _forged("servfail", "SERVFAIL"),
    _forged("empty", "NOERROR"),
    _dns("dropped", "dns.timeout", DnsDrop()),
    _dns(
        "lookup-only",
        "dns.injection.other",
        DnsInject(answers=(_FOREIGN,)),
        url="dns://{name}",
    ),
)

_PLACES: Final = (
    _place("null", "tcp.timeout", NullRoute()),
    _place("null-inbound", "tcp.timeout", NullRoute(direction="in")),
    _place("null-outbound", "tcp.timeout", NullRoute(direction="out")),
    _place("one-port", "tcp.timeout", NullRoute(), ports=(443,)),
    _place("host-unreachable", "ip.unreachable", IcmpUnreachable(code=1)),
    _place("net-unreachable", "ip.unreachable", IcmpUnreachable(code=0)),
    _place("prohibited", "ip.unreachable", IcmpUnreachable(code=13)),
    _place("rst-to-syn", "tcp.refused", RstToSyn()),
    _place("rst-to-data", "tcp.reset", RstAnyData()),
    _place("tcp-null", "tcp.timeout", NullRoute(), url="tcp://{name}:443"),
)

_NAMES: Final = (
    _sni("gfw1", "tls.reset.sni", NameReset(fingerprint="gfw1", hold=True)),
    _sni("gfw2", "tls.reset.sni", NameReset(fingerprint="gfw2", hold=True)),
    _sni("gfw3", "tls.reset.sni", NameReset(fingerprint="gfw3", delay=0.4, hold=True)),
    _sni("race", "tls.reset.sni", NameReset(fingerprint="gfw2", delay=0.002)),
    _sni("henan", "tls.reset.sni", NameReset(fingerprint="henan", delay=0.005, hold=True)),
    _sni("client-only", "tls.reset.sni", NameReset(to="client", delay=0.1, hold=True)),
    _sni(
        "residual-reset",
        "tls.reset.sni",
        NameReset(hold=True, residual=Residual(seconds=RESIDUAL)),
    ),
    _sni(
        "residual-drop",
        "tls.reset.sni",
        NameReset(hold=True, residual=Residual(seconds=RESIDUAL, by="drop")),
    ),
    _sni("dropped", "tls.timeout.sni", NameDrop()),
    _sni("dropped-outbound", "tls.timeout.sni", NameDrop(direction="out")),
    _sni(
        "dropped-residual",
        "tls.timeout.sni",
        NameDrop(residual=Residual(seconds=RESIDUAL, by="drop")),
    ),
    _sni("tls-only", "tls.reset.sni", NameReset(hold=True), url="tls://{name}:443"),
    Scenario(
        id="mitm-self-signed",
        right=_blocked("tls.mitm.self_signed"),
        at_both=(Mitm(signer="self"),),
    ),
    Scenario(
        id="mitm-authority",
        right=_blocked("tls.mitm.ca_signed"),
        at_both=(Mitm(signer="authority"),),
    ),
)

# A censor on the control's path too: the decoy still proves it.
_BOTH: Final = (_sni("everywhere", "tls.reset.sni", NameReset(hold=True), at_control="sni"),)

_HTTP: Final = (
    _page("reset", "http.reset.host", NameReset(layer="http", hold=True)),
    _page("reset-late", "http.reset.host", NameReset(layer="http", delay=0.2, hold=True)),
    _page("page", "http.blockpage", HttpPage()),
    _page("page-403", "http.blockpage", HttpPage(status=403, end="fin")),
    _page(
        "redirect",
        "http.redirect",
        HttpPage(status=302, location="http://93.184.0.77/notice", end="fin"),
    ),
    _page("race", "http.blockpage", HttpPage(way="race")),
)

_RATES: Final = (
    Scenario(
        id="freeze-16k",
        right=_degraded("transfer.freeze"),
        by_address=(Freeze(after=16 * 1024),),
        **_BIG,
    ),
    Scenario(
        id="freeze-20k",
        right=_degraded("transfer.freeze"),
        by_address=(Freeze(after=20 * 1024),),
        **_BIG,
    ),
    Scenario(
        id="throttle-150k",
        right=_degraded("transfer.throttle"),
        by_address=(Throttle(kbit=150, shape=True),),
        **_BIG,
    ),
    Scenario(
        id="throttle-64k",
        right=_degraded("transfer.throttle"),
        by_address=(Throttle(kbit=64),),
        **_BIG,
    ),
    Scenario(
        id="throttle-16k",
        right=_degraded("transfer.throttle"),
        by_address=(Throttle(kbit=16, shape=True),),
        **_BIG,
    ),
    Scenario(
        id="throttle-name",
        right=_degraded("tls.throttle.sni"),
        by_name=(Throttle(kbit=130),),
        **_BIG,
    ),
)

# Told by the name alone, at the target's own address. It has the last number of all scenarios, so
# that the others keep the addresses, and the delays that go with them, that they were measured at.
DIVERTED: Final = (
    Scenario(
        id="mitm-other-name",
        right=_blocked("tls.mitm.ca_signed"),
        at_both=(Mitm(signer="other"),),
    ),
)

INTERFERENCE: Final = (*_DNS, *_PLACES, *_NAMES, *_BOTH, *_HTTP, *_RATES)

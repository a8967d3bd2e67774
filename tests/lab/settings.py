"""Under what circumstances the scenarios are measured: the line, the vantage, and the control.

A setting says which scenarios it runs and, where it changes what is right, what is right then.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from lab.innocent import INNOCENT, LOOKALIKES, WELL
from lab.interference import DIVERTED, INTERFERENCE
from lab.latency import Line
from lab.places import CONTROL, DECOY, DOMESTIC, RESOLVER, RESOLVER6, WILDCARD
from lab.rules import Captive, DnsProxy, Mitm, NullRoute, Rule, Where
from lab.scenario import Right, Scenario
from lab.tunnels import BY_ADDRESS, FILTERED, FILTERS, MET, TUNNELS

QUARANTINE: Final = 2.0  # seconds, instead of 420; residual blocking lasts less

_WORLDWIDE: Final = ("0.0.0.0/0", "::/0")
_OFFLINE: Final = Right(("offline", "ok"))
_ABROAD: Final = Right(("unreachable", "ok"))

Judged = Callable[[Scenario], Right]


def _own(scenario: Scenario) -> Right:
    return scenario.right


def _always(right: Right) -> Judged:
    return lambda _: right


def _on_a_bad_line(scenario: Scenario) -> Right:
    """Who loses packets may fail, and even find everything gone; nobody is to blame for it."""
    more = ("inconclusive", "unreachable", "offline", "down", "ok")
    return Right(tuple(dict.fromkeys((*scenario.right.outcomes, *more))))


def _with_lures(scenario: Scenario) -> Right:
    """Names that do not exist lead to the resolver's own host, which refuses."""
    return Right(tuple(dict.fromkeys((*scenario.right.outcomes, "down", "inconclusive"))))


# A proxy answers for random names too, so that its forgeries are no answers from nobody: what is
# left is the control, and the certificate at the address that was answered.
_THROUGH_A_PROXY: Final = {
    "dns-nxdomain": Right(("blocked",), "dns.nxdomain"),
    "dns-empty": Right(("blocked",), "dns.empty"),
    "dns-refused": Right(("blocked",), "dns.refused"),
    "dns-anothers": Right(("blocked",), "dns.injection.other"),
    "dns-suppressed-bogon": Right(("blocked",), "dns.injection.bogon"),
    "dns-blockpage": Right(("blocked",), "dns.injection.blockpage"),
    "dns-suppressed": Right(("inconclusive",)),  # nobody answers there: that proves nothing
    "dns-servfail": Right(("inconclusive",)),  # resolvers say so of servers that fail them
}


@dataclass(frozen=True, kw_only=True)
class Setting:
    """One run of the probe over many scenarios."""

    id: str
    scenarios: tuple[Scenario, ...]
    line: Line = field(default_factory=Line)
    rules: tuple[Rule, ...] = ()  # besides those of the scenarios
    right: Judged | None = _own  # None: whatever accuses nobody, and what proves itself (law 2)
    resolver: str = RESOLVER
    control: str | None = "good"  # which helper is asked (``world.HELPERS``), or none
    # The seconds between cycles, and of the whole run, where the probe runs on a schedule.
    schedule: tuple[int, int] | None = None
    in_tests: bool = False  # whether `make test` runs it, once


def _dark(spared: tuple[str, ...] = ()) -> Rule:
    return Rule(where=Where(addresses=_WORLDWIDE, spared=spared), act=NullRoute())


_FEW: Final = tuple(s for s in WELL if s.id in {"https-0", "https-1", "http-0", "dns-0", "tls-0"})
_PORTAL: Final = (*_FEW, *LOOKALIKES[:3])
_INNOCENT_LINES: Final = (
    ("loss-1", Line(loss=0.01)),
    ("loss-5", Line(loss=0.05)),
    ("loss-10", Line(loss=0.10)),
    ("jitter", Line(jitter=0.150)),
    ("flapping", Line(period=9.0, down=2.0)),
    ("flapping-slowly", Line(period=25.0, down=8.0)),
)

SETTINGS: Final = (
    Setting(id="interference", scenarios=(*INTERFERENCE, *DIVERTED), in_tests=True),
    Setting(
        id="scheduled",
        scenarios=(
            *(s for s in INTERFERENCE if not s.id.startswith(("throttle", "freeze"))),
            *DIVERTED,
            *LOOKALIKES,
        ),
        schedule=(12, 62),
    ),
    Setting(id="clean", in_tests=True, scenarios=INNOCENT),
    *(
        Setting(
            id=id_,
            scenarios=INNOCENT,
            line=line,
            right=_on_a_bad_line,
            in_tests=id_ in {"loss-5", "flapping"},
        )
        for id_, line in _INNOCENT_LINES
    ),
    Setting(
        id="mitm-everywhere",
        in_tests=True,
        scenarios=(
            *(s for s in INTERFERENCE if s.id.startswith("mitm-")),
            *DIVERTED,
            *WELL[:4],
        ),
        rules=(
            Rule(
                where=Where(names=("mitm-self-signed.site.example",), addresses=(f"{DECOY}/32",)),
                act=Mitm(signer="self"),
            ),
            Rule(
                where=Where(names=("mitm-authority.site.example",), addresses=(f"{DECOY}/32",)),
                act=Mitm(signer="authority"),
            ),
        ),
    ),
    Setting(
        id="dns-proxy",
        in_tests=True,
        scenarios=(*WELL, *(s for s in LOOKALIKES if s.id.startswith(("gone", "cdn")))),
        rules=(Rule(where=Where(), act=DnsProxy(upstream=RESOLVER)),),
    ),
    Setting(
        # A lost datagram must not make an injector of the proxy.
        id="dns-proxy-on-a-bad-line",
        in_tests=True,
        scenarios=tuple(s for s in LOOKALIKES if s.id.startswith(("gone", "cdn"))),
        line=Line(loss=0.15),
        rules=(Rule(where=Where(), act=DnsProxy(upstream=RESOLVER)),),
        right=_on_a_bad_line,
    ),
    Setting(
        id="dns-proxy-that-forges",
        in_tests=True,
        scenarios=(*(s for s in INTERFERENCE if s.id in _THROUGH_A_PROXY), *WELL[:4]),
        rules=(Rule(where=Where(), act=DnsProxy(upstream=RESOLVER)),),
        right=lambda scenario: _THROUGH_A_PROXY.get(scenario.id, scenario.right),
    ),
    Setting(id="tunnels", in_tests=True, scenarios=(*TUNNELS, *BY_ADDRESS)),
    Setting(
        id="tunnels-filtered",
        in_tests=True,
        scenarios=MET,
        rules=FILTERS,
        right=lambda scenario: FILTERED.get(scenario.id, scenario.right),
    ),
    Setting(
        id="tunnels-on-a-bad-line",
        scenarios=TUNNELS,
        line=Line(loss=0.10),
        right=_on_a_bad_line,
    ),
    Setting(
        id="tunnels-filtered-no-control",
        scenarios=TUNNELS,
        rules=FILTERS,
        right=None,
        control=None,
    ),
    Setting(
        id="wildcard-resolver",
        scenarios=(*WELL, *LOOKALIKES),
        resolver=WILDCARD,
        right=_with_lures,
    ),
    Setting(
        id="portal-reset",
        in_tests=True,
        scenarios=_PORTAL,
        rules=(Rule(where=Where(), act=Captive(https="reset")),),
        right=_always(_OFFLINE),
    ),
    Setting(
        id="portal-certificate",
        scenarios=_PORTAL,
        rules=(Rule(where=Where(), act=Captive(https="certificate")),),
        right=_always(_OFFLINE),
    ),
    Setting(
        id="no-network",
        in_tests=True,
        scenarios=INNOCENT,
        rules=(_dark(),),
        right=_always(_OFFLINE),
    ),
    Setting(
        id="domestic-only",
        scenarios=INNOCENT,
        rules=(_dark((DOMESTIC, f"{RESOLVER}/32", f"{RESOLVER6}/128")),),
        right=_always(_ABROAD),
    ),
    *(
        Setting(
            id=id_,
            scenarios=(*INTERFERENCE, *DIVERTED, *LOOKALIKES),
            right=None,
            control=control,
            rules=rules,
            in_tests=id_ == "control-down",
        )
        for id_, control, rules in (
            ("no-control", None, ()),
            ("control-down", "down", ()),
            (
                "control-blocked",
                "good",
                (Rule(where=Where(addresses=(CONTROL,)), act=NullRoute()),),
            ),
            ("control-offline", "offline", ()),
            ("control-in-the-same-country", "compatriot", ()),
        )
    ),
)

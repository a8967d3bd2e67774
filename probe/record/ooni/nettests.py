"""What each of OONI's tests measures, target by target."""

from typing import Final
from urllib.parse import SplitResult, urlsplit

from probe.core.address import is_ip
from probe.core.masking import mask
from probe.core.model import Target
from probe.record.ooni import helper
from probe.record.ooni.build import build
from probe.record.ooni.places import Catalogue, Check, Place, anywhere, in_test
from probe.record.ooni.record import Record, Unfit
from probe.record.ooni.steps import Steps
from probe.record.ooni.units import DEFAULTS, Pool, Unit, at_once, host_of, in_turn, port_of

_LONGEST: Final = 2000  # characters of a URL
# urlgetter's own words for our checks (ooni/spec ts-027).
_OPERATIONS: Final[dict[str, Check]] = {
    "http": "http",
    "https": "https",
    "dnslookup": "dns",
    "tcpconnect": "tcp",
    "tlshandshake": "tls",
}


def messenger(record: Record) -> None:
    """A measurement for each host and port that the test of a messenger names."""
    test = record.envelope.test_name

    def ports(host: str) -> tuple[int, ...] | None:
        place = in_test(test, host)
        return None if place is None else place.ports

    targets: dict[str, tuple[Place, Check, list[Unit]]] = {}
    for unit in in_turn(Pool(record.envelope.test_keys), ports):
        place = in_test(test, unit.host)
        if place is None:
            continue
        for port in [unit.port] if unit.port else _ports_without(place, unit.host, targets):
            url = place.url(unit.host, port)
            targets.setdefault(url, (place, place.check(port), []))[2].append(unit)
    for url, (place, check, units) in targets.items():
        steps = record.steps()
        _let_stand(steps, units)
        build(steps, units, check)
        target = Target(id=url, service=place.service, feature=place.feature, url=url)
        record.add(target, check, steps)


def _ports_without(
    place: Place, host: str, targets: dict[str, tuple[Place, Check, list[Unit]]]
) -> list[int]:
    """The port that a lookup was for after which nothing was dialled: one that is still free."""
    if not place.ports:
        return [0]
    free = [port for port in place.ports if place.url(host, port) not in targets]
    return (free or list(place.ports))[:1]


def web_connectivity(record: Record, catalogue: Catalogue) -> None:
    """One measurement of the URL, one of the test helper's, and that both could be reached."""
    url = _web(record.envelope.input)
    host, port = host_of(url), port_of(url) or 0
    check: Check = "https" if url.scheme == "https" else "http"
    control = helper.answered(record.envelope)
    more = helper.found(control) if control else []
    unit = at_once(Pool(record.envelope.test_keys), host, port, more)
    _one(record, url, unit, check, catalogue)
    if control is None or not record.measurements:
        return
    target = record.measurements[-1].target
    steps = record.steps()
    for ip in more:
        steps.scrubber.keep(ip)
    helper.steps_of(control, url, host, steps)
    record.add(target, check, steps, origin=helper.ORIGIN)
    _health(record, healthy=helper.healthy(control))


def _health(record: Record, *, healthy: bool) -> None:
    """The probe reached the helper over TLS, and the helper the network: an anchor for each."""
    for origin in ["vantage", helper.ORIGIN][: 2 if healthy else 1]:
        steps = record.steps()
        url = helper.exchange_with(record.envelope, steps)
        target = Target(id=url, service="anchors", feature="international", url=url)
        record.add(target, "https", steps, origin=origin, role="anchor")


def urlgetter(record: Record, catalogue: Catalogue) -> None:
    """One measurement of whatever the input names."""
    parts = urlsplit(_input(record.envelope.input))
    check = _OPERATIONS.get(parts.scheme)
    host, port = host_of(parts), parts.port or DEFAULTS.get(parts.scheme, 0)
    if check is None or not host or (not port and check != "dns"):
        raise Unfit(f"an input of the kind '{parts.scheme[:20]}' is not imported")
    if check in {"tcp", "tls"}:
        shown = f"[{host}]" if ":" in host else host
        parts = urlsplit(f"{check}://{shown}:{port}")
    elif check == "dns":
        parts = urlsplit(f"dns://{host}")
    _one(record, parts, at_once(Pool(record.envelope.test_keys), host, port, []), check, catalogue)


def _one(record: Record, url: SplitResult, unit: Unit, check: Check, catalogue: Catalogue) -> None:
    if not (unit.queries or unit.lanes or unit.request):
        return
    service, feature = anywhere(unit.host, catalogue)
    shown = mask(url._replace(fragment="").geturl())
    steps = record.steps()
    _let_stand(steps, [unit])
    build(steps, [unit], check)
    record.add(Target(id=shown, service=service, feature=feature, url=shown), check, steps)


def _let_stand(steps: Steps, units: list[Unit]) -> None:
    """The target's own addresses are in the results anyway."""
    for unit in units:
        for ip in [unit.host, *(lane.connect.ip for lane in unit.lanes)]:
            if is_ip(ip):
                steps.scrubber.keep(ip)


def _web(text: str | None) -> SplitResult:
    url = urlsplit(_input(text))
    if url.scheme not in DEFAULTS or not host_of(url):
        raise Unfit("the input is no web address")
    path = url.path or "/"
    return url._replace(scheme=url.scheme.lower(), path=path)


def _input(text: str | None) -> str:
    if not text:
        raise Unfit("there is no input")
    if len(text) > _LONGEST or not text.isprintable():
        raise Unfit("the input is no web address")
    return text

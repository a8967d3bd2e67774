"""What OONI's test helper saw of the same URL: a control, as our judge knows them.

Whether its own network was in order is not told. That it answered the probe, and got an answer of
its own to something, stands for it; where it got none, it is no control.
"""

from typing import Final
from urllib.parse import SplitResult

from probe.core.address import is_ip, parse_endpoint
from probe.core.failure import NXDOMAIN
from probe.core.scrub import Scrubber
from probe.record.ooni.archival import (
    Answer,
    Answered,
    Asked,
    Connect,
    Envelope,
    Event,
    Handshake,
    Helper,
    HelperPage,
    Query,
    Request,
    Status,
)
from probe.record.ooni.names import failure_name, layer_of
from probe.record.ooni.steps import Steps, endpoint_text

ORIGIN: Final = "ooni-test-helper"
_UNKNOWN: Final = f"https://{ORIGIN}.invalid/"
_MOST: Final = 100  # endpoints


def answered(envelope: Envelope) -> Helper | None:
    """The helper's answer, if there was one."""
    keys = envelope.test_keys
    return keys.control if keys.control and not keys.control_failure else None


def healthy(helper: Helper) -> bool:
    """Whether the helper's network answered it anything: a name, a connection, or a page."""
    lookup, page = helper.dns, helper.http_request
    if lookup and (lookup.addrs or _nxdomain(lookup.failure)):
        return True
    if any(tried.status for tried in (helper.tcp_connect or {}).values()):
        return True
    return bool(page and page.status_code and page.status_code > 0)


def found(helper: Helper) -> list[str]:
    """The addresses that the helper was given."""
    return [ip for ip in (helper.dns.addrs if helper.dns else None) or () if is_ip(ip)]


def steps_of(helper: Helper, url: SplitResult, host: str, steps: Steps) -> None:
    """Append what the helper did. It tells no times."""
    lookup = helper.dns
    if lookup and host not in found(helper):
        records = [
            Answer("AAAA", ipv6=ip) if ":" in ip else Answer("A", ipv4=ip) for ip in found(helper)
        ]
        steps.resolve(
            Query(hostname=host, query_type="ANY", answers=records, failure=lookup.failure)
        )
    for at, tried in list((helper.tcp_connect or {}).items())[:_MOST]:
        if endpoint_text(at) is None or tried.status is None:
            continue
        endpoint = parse_endpoint(at)
        status = Status(success=tried.status, failure=tried.failure)
        transaction = steps.connect(Connect(ip=endpoint.ip, port=endpoint.port, status=status))
        above = (helper.tls_handshake or {}).get(at)
        if tried.status and above and url.scheme == "https":
            handshake = Handshake(server_name=above.server_name, failure=above.failure)
            steps.handshake(transaction, handshake, host)
    if helper.http_request:
        _page(helper.http_request, url, host, steps)


def _page(page: HelperPage, url: SplitResult, host: str, steps: Steps) -> None:
    status = page.status_code or 0
    if not page.failure and status <= 0:
        return
    transaction = steps.transaction()
    if not page.failure:
        head = Answered(code=status, headers=page.headers)
        steps.exchange(transaction, Request(request=Asked(url.geturl()), response=head))
        steps.measured(transaction, max(page.body_length or 0, 0))
        return
    op = layer_of(failure_name(page.failure, Scrubber()) or "") or "http_response"
    detail = {"resolver": "system", "hostname": host} if op == "resolve" else {}
    steps.add(op, transaction, Event(), failure=page.failure, detail=detail)


def exchange_with(envelope: Envelope, steps: Steps) -> str:
    """Append the exchange between probe and helper, which went well; gives the helper's URL."""
    backend = envelope.test_helpers
    backend = backend.get("backend") if isinstance(backend, dict) else None
    address = backend.get("address") if isinstance(backend, dict) else backend
    url = address if isinstance(address, str) and address.startswith("https://") else _UNKNOWN
    asked = Asked(url[:500], method="POST")
    steps.exchange(steps.transaction(), Request(request=asked))
    return asked.url


def _nxdomain(failure: str | None) -> bool:
    return failure_name(failure, Scrubber()) == NXDOMAIN

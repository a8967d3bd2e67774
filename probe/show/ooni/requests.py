"""HTTP exchanges as OONI lists them, newest first (ooni/spec df-001)."""

from collections.abc import Callable, Iterable
from typing import Final

from probe.core.model import JSON, Step
from probe.show.ooni.layers import base, binary

_NO_TOR: Final = {"exit_ip": None, "exit_name": None, "is_tor": False}
_BODY_KEPT: Final = 32 * 1024  # bytes; a body of that size was cut off there


def requests(
    steps: Iterable[Step], objects: Callable[[str], bytes | None]
) -> list[dict[str, JSON]]:
    """One entry per request that was made; redirects that were followed make several."""
    found: list[dict[str, JSON]] = []
    for exchange in exchanges(steps):
        found.insert(0, _request(exchange, objects))
    return found


def exchanges(steps: Iterable[Step]) -> list[list[Step]]:
    """The steps of each HTTP exchange: the handshake below it if there was one, then its own."""
    under: dict[int, Step | None] = {}
    open_: dict[int, list[Step]] = {}
    found: list[list[Step]] = []
    for step in steps:
        if step.op == "connect":
            under[step.transaction] = None
        elif step.op == "tls_handshake":
            under[step.transaction] = step
        elif step.op == "http_request":
            handshake = under.get(step.transaction)
            open_[step.transaction] = [handshake, step] if handshake else [step]
            found.append(open_[step.transaction])
        elif step.op in {"http_response", "transfer"} and step.transaction in open_:
            open_[step.transaction].append(step)
    return found


def _request(exchange: list[Step], objects: Callable[[str], bytes | None]) -> dict[str, JSON]:
    by_op = {step.op: step for step in exchange}
    asked = by_op["http_request"]
    own = [step for step in exchange if step.op != "tls_handshake"]
    handshake = by_op.get("tls_handshake")
    host, path = asked.detail.get("host") or "", asked.detail.get("path") or "/"
    return {
        **base(asked),
        **({"address": asked.address} if asked.address else {}),
        "t": own[-1].t,
        "failure": next((step.failure for step in own if step.failure), None),
        "network": "tcp",
        "alpn": (handshake.detail.get("alpn") or "") if handshake else "",
        "request": {
            "url": f"{'https' if handshake else 'http'}://{host}{path}",
            "method": asked.detail.get("method") or "GET",
            "headers": {"Host": host},
            "headers_list": [["Host", host]],
            "body": "",
            "body_is_truncated": False,
            "tor": _NO_TOR,
            "x_transport": "tcp",
        },
        "response": _response(by_op.get("http_response"), by_op.get("transfer"), objects),
    }


def _response(
    head: Step | None, transfer: Step | None, objects: Callable[[str], bytes | None]
) -> dict[str, JSON]:
    headers = [(key, _text(value)) for key, value in _headers(head)]
    first: dict[str, JSON] = {}
    for key, value in headers:
        first.setdefault(key, value)
    body, whole = _body(transfer, objects)
    return {
        "code": (head.detail.get("status") or 0) if head else 0,
        "headers": first,
        "headers_list": [[key, value] for key, value in headers],
        "body": body,
        "body_is_truncated": not whole,
    }


def _headers(head: Step | None) -> Iterable[tuple[str, str]]:
    return (head.detail.get("headers") or ()) if head else ()


def _body(transfer: Step | None, objects: Callable[[str], bytes | None]) -> tuple[JSON, bool]:
    """The body as far as it was kept, and whether that is all of it; null where it was not."""
    if transfer is None or not transfer.detail.get("bytes"):
        return "", True
    kept = objects(transfer.detail["body"]) if "body" in transfer.detail else None
    if kept is None:
        return None, False
    whole = bool(transfer.detail.get("complete")) and len(kept) < _BODY_KEPT
    try:
        return kept.decode(), whole
    except UnicodeDecodeError:
        return binary(kept), whole


def _text(value: str) -> JSON:
    """A text, or its bytes where they are no UTF-8."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return binary(value.encode("utf-8", "surrogateescape" if _escaped(value) else "replace"))
    return value


def _escaped(value: str) -> bool:
    return all(not "\ud800" <= c <= "\udfff" or "\udc80" <= c <= "\udcff" for c in value)

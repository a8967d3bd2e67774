"""Measurements as checks really leave them, in few words."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from itertools import count
from typing import Any

from support.virtual import DAY

from probe.core.ids import uuid7
from probe.core.model import Control, Measurement, Role, Software, Step, Target, Vantage, Verdict

HERE = Vantage(id="sh-1", country="CN", asn=4134, network="residential")
WEB = Target(id="shop", service="shop", feature="web", url="https://shop.example/")
AT = "192.0.2.1:443"

_numbers = count()


def step(op: str, transaction: int = 1, failure: str | None = None, **detail: Any) -> Step:
    """One step; ``address`` is a field of its own, all else goes into the detail."""
    address = detail.pop("address", AT if op != "resolve" else None)
    return Step(
        op=op, transaction=transaction, address=address, t0=0.0, t=0.1, failure=failure,
        detail=detail,
    )  # fmt: skip


def resolve(failure: str | None = None, transaction: int = 1, **detail: Any) -> Step:
    """A query to the system's resolver."""
    return step("resolve", transaction, failure, resolver="system", **detail)


def https(failed: str | None = None, failure: str | None = None, **detail: Any) -> list[Step]:
    """The steps of an https measurement, up to and including the one that failed."""
    steps = [resolve()]
    for op in ("connect", "tls_handshake", "http_request", "http_response", "transfer"):
        extra = detail if op == failed or (failed is None and op == "tls_handshake") else {}
        steps.append(step(op, 2, failure if op == failed else None, **extra))
        if op == failed:
            break
    return steps


def measured(
    check: str = "https",
    steps: Sequence[Step] = (),
    *,
    invalid: str | None = None,
    cycle: str = "cycle-1",
    target: Target = WEB,
    url: str | None = None,
    role: Role = "target",
    started: datetime = DAY,
) -> Measurement:
    """A measurement with a fresh id."""
    return Measurement(
        id=f"m{next(_numbers)}",
        run="run",
        cycle=cycle,
        started=started,
        vantage=HERE,
        target=replace(target, url=url) if url else target,
        check=check,
        role=role,
        steps=tuple(steps),
        invalid=invalid,
        software=Software(name="probe", version="0"),
    )


def anchor(
    *, up: bool, feature: str = "international", cycle: str = "round-1", **more: Any
) -> Measurement:
    """One anchor in one round of anchors."""
    steps = https() if up else https("connect", "generic_timeout_error")
    target = Target(id=feature, service="anchors", feature=feature, url="https://anchor.example/")
    return measured("https", steps, cycle=cycle, target=target, role="anchor", **more)


def verdict(target: str | None = "shop", outcome: str = "ok", **more: Any) -> Verdict:
    """A verdict on a target of the service ``shop``."""
    given = {
        "id": uuid7(DAY),
        "at": DAY,
        "cycle": "cycle-1",
        "vantage": HERE,
        "target": target,
        "service": "shop",
        "feature": "web",
        "url": "https://shop.example/",
        "outcome": outcome,
        "mechanism": None,
        "locus": None,
        "rule": "a-rule",
        "rules": 1,
        "covered": "response",
        "control": Control(),
        "evidence": (f"of-{target}",),
    }
    return Verdict(**{**given, **more})

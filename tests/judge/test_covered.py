"""probe.judge.covered: a verdict promises no more than was looked at."""

from dataclasses import replace

import pytest
from support.records import https, measured, resolve, step

from probe.core.model import Covered, Step
from probe.judge.covered import TRANSFER_BYTES, covered
from probe.judge.deciding import deciding


def transferred(count: int, failure: str | None = None) -> list[Step]:
    last = replace(https()[-1], failure=failure, detail={"bytes": count})
    return [*https()[:-1], last]


@pytest.mark.parametrize(
    ("check", "steps", "depth"),
    [
        ("dns", [resolve()], "lookup"),
        ("https", [resolve("dns_nxdomain_error")], "lookup"),
        ("https", https("connect", "connection_refused"), "lookup"),
        ("tcp", [resolve(), step("connect", 2)], "handshake"),
        ("https", https("tls_handshake", "connection_reset"), "handshake"),
        ("https", https("http_response", "connection_reset"), "handshake"),
        ("https", transferred(0), "response"),
        ("https", transferred(TRANSFER_BYTES - 1), "response"),
        ("https", transferred(TRANSFER_BYTES), "transfer"),
        ("https", transferred(100, "generic_timeout_error"), "response"),
        ("https", transferred(TRANSFER_BYTES, "connection_reset"), "transfer"),
    ],
)
def test_it_is_the_deepest_stage_that_went_well(
    check: str, steps: list[Step], depth: Covered
) -> None:
    assert covered(deciding(measured(check, steps))) == depth


def test_nothing_done_covers_a_lookup_at_most() -> None:
    assert covered(None) == "lookup"


def test_a_connection_to_a_resolver_covers_nothing_of_the_target() -> None:
    doh = {"resolver": "https://dns.example/dns-query"}
    steps = [step("connect", **doh), step("tls_handshake", **doh), step("resolve", **doh)]
    assert covered(deciding(measured("dns", steps))) == "lookup"

"""probe.record.foreign: what others measured, checked before anybody relies on its types."""

from dataclasses import replace
from typing import Any

import pytest
from support.control import there
from support.records import https, resolve, step
from support.virtual import DAY

from probe.core.model import Step, Target
from probe.record.codec import BadLineError, encode
from probe.record.foreign import LONGEST, decode_foreign


def with_step(*steps: Step) -> bytes:
    return encode(there(DAY, steps=steps))


def test_what_checks_write_is_read_unchanged() -> None:
    answers = [{"type": "A", "data": "192.0.2.1", "ttl": 60}, {"type": "A", "data": "192.0.2.2"}]
    measurement = there(
        DAY,
        steps=(
            *https("tls_handshake", "ssl_unknown_authority", verify=True, verify_code=19,
                   peer_certificates=["a" * 64], leaf={"subject": "x", "names": ["y"]}),
            resolve(answers=answers, rcode="NOERROR", edns=True, engine="udp"),
            step("bootstrap", 3, resolver="https://dns.example/", answers=["192.0.2.3"]),
            step("http_response", 4, status=403, headers=[["server", "x"]], first_byte=None),
            step("transfer", 4, bytes=10, limit=20, progress=[[0.1, 10]], last_byte=0.1),
            step("some_later_op", 5, fact={"nobody": ["knows", 1, None]}, address=None),
        ),
    )  # fmt: skip
    assert decode_foreign(encode(measurement)) == measurement


@pytest.mark.parametrize(
    "detail",
    [
        {"bytes": "many"},
        {"bytes": None},
        {"status": [200]},
        {"headers": {"server": "x"}},
        {"headers": [["server"]]},
        {"answers": ["192.0.2.1"]},
        {"answers": [{"type": "A", "data": 1}]},
        {"answers": "192.0.2.1"},
        {"peer_certificates": "a" * 64},
        {"peer_certificates": ["../../etc/passwd"]},
        {"body": "../../etc/passwd"},
        {"body": "a" * 64 + "\n"},
        {"leaf": []},
        {"leaf": {"names": "a.example"}},
        {"verify": "yes"},
        {"last_byte": "0"},
        {"progress": [1, 2]},
        {"resolver": {}},
    ],
)
def test_a_fact_of_another_type_is_refused(detail: dict[str, Any]) -> None:
    with pytest.raises(BadLineError, match="a step transfer"):
        decode_foreign(with_step(replace(step("transfer"), detail=detail)))


def test_what_could_not_be_used_later_is_refused() -> None:
    deep: Any = 0
    for _ in range(20):
        deep = [deep]
    for line, told in (
        (with_step(step("connect", fact=deep)), "too deeply"),
        (with_step(step("connect", address="shop.example:443")), "no address"),
        (with_step(step("connect", address="192.0.2.1:" + "9" * 5000)), "step connect"),
        (with_step(step("connect")).replace(b'"t0":0.0', b'"t0":1e999'), "finite|range"),
        (with_step(step("connect", fact="x" * LONGEST)), "larger than"),
        (encode(there(DAY, id="m1")), "no UUID"),
        (encode(there(DAY, target=Target(id="x" * 3000, service="", feature="", url=""))), "great"),
        (b"{}", "schema|id"),
        (b'{"steps": ' + b"[" * 100_000, "steps|truncated|recursion"),
    ):
        with pytest.raises(BadLineError, match=told):
            decode_foreign(line)

"""probe.plan.question and probe.plan.reply: what goes over the wire, and what is refused there."""

import contextlib
import hashlib
import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.control import CLIENT, ELSEWHERE, anchor_there, reply, there
from support.plans import planned
from support.virtual import DAY

from probe.core.address import Endpoint
from probe.plan.jobs import Job
from probe.plan.question import (
    MAX_ADDRESSES,
    MAX_BODY,
    MAX_REPLY,
    MAX_TARGETS,
    MAX_TRANSFER,
    Question,
    Reply,
    Session,
    aim_of,
    question,
    read_questions,
    with_own,
    write_questions,
)
from probe.plan.target import parse_target

SESSION = {
    "decoys": ["198.51.100.2:443", "[2001:db8::2]:443"],
    "leaf": "0" * 64,
    "page": "<p>hello</p>",
    "bytes_token": "abc-_~.1",
    "bytes_max": 1048576,
    "echo": "198.51.100.2:7007",
    "client": CLIENT,
    "expires": 60,
}


def job(url: str, **options: Any) -> Job:
    return planned(targets=[{"url": url, **options}]).jobs[0]


@pytest.mark.parametrize(
    ("url", "options"),
    [
        ("https://shop.example/a?b=c", {"transfer": "128KiB", "follow": 2, "verify": False}),
        ("https://shop.example:8443/", {"expect": {"status": 200, "body": "hi", "header": {}}}),
        ("http://[2001:db8::1]/", {}),
        ("tls://shop.example?sni=other.example&alpn=h2,http/1.1", {}),
        ("tcp://shop.example:1194", {}),
        ("https://a.example/", {"roots": "signal"}),
        ("mtproto://a.example", {"transport": "padded", "obfuscated": False}),
    ],
)
def test_a_control_checks_what_was_checked_here(url: str, options: dict[str, Any]) -> None:
    here = job(url, **options)
    asked = question(here, ["198.51.100.1", "2001:db8::5"])
    (read,) = read_questions(write_questions([asked]))
    assert read == asked
    there = aim_of(read)
    assert there.check == replace(
        here.check, addresses=("198.51.100.1", "2001:db8::5"), lookup=True
    )
    assert there.common == {}


def test_a_lookup_is_asked_for_without_addresses() -> None:
    asked = question(job("dns://shop.example?type=AAAA"), ["198.51.100.1"])
    aim = aim_of(asked)
    assert (aim.check.name, aim.check.type, aim.url) == ("dns", "AAAA", "dns://shop.example")


def test_what_is_only_the_askers_stays_at_home() -> None:
    here = job(
        "tls://shop.example",
        ca_file="/home/me/ca.pem",
        resolver="udp://192.0.2.53",
        timeout="7s",
        addresses=["10.0.0.7", "198.51.100.1"],
    )
    body = write_questions([question(here, ["192.168.1.5", "fe80::1%eth0", "198.51.100.9"])])
    assert json.loads(body) == {
        "targets": [
            {
                "url": "tls://shop.example",
                "options": {},
                "addresses": ["198.51.100.1", "198.51.100.9"],
            }
        ]
    }


def test_a_secret_in_a_url_is_shown_to_nobody() -> None:
    with pytest.raises(ValueError, match="holds a secret") as told:
        question(job("https://shop.example/?token=hunter2"), [])
    assert "hunter2" not in str(told.value)


def test_only_so_many_addresses_are_told_and_each_once() -> None:
    many = [f"198.51.100.{n}" for n in range(1, 40)]
    asked = question(job("tcp://shop.example:1"), [many[0], *many])
    assert asked.addresses == tuple(many[:MAX_ADDRESSES])


@pytest.mark.parametrize(
    "asked",
    [
        {"url": "tls://shop.example?ca_file=/etc/shadow"},
        {"url": "tls://shop.example#sni=other"},
        {"url": "https://shop.example/#transfer=1MiB"},
        {"url": "dns://shop.example?resolver=udp://192.0.2.1"},
        {"url": "tls://shop.example", "options": {"ca_file": "/etc/shadow"}},
        {"url": "tls://shop.example", "options": {"resolver": "udp://192.0.2.1"}},
        {"url": "tls://shop.example", "options": {"addresses": ["192.0.2.1"]}},
        {"url": "tls://shop.example", "options": {"timeout": "1d"}},
        {"url": "tls://shop.example", "options": {"sni": ["a", "b"]}},
        {"url": "tcp://shop.example:1", "options": {"sni": "a"}},
        {"url": "gopher://shop.example"},
        {"url": "https://me:hunter2@shop.example/"},
        {"url": "https://[::1"},
        {"url": ""},
    ],
)
def test_a_control_takes_no_other_options_and_no_other_targets(asked: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        aim_of(Question(**asked))


def test_a_control_reads_a_bounded_body_whatever_it_is_asked() -> None:
    aim = aim_of(Question(url="https://shop.example/", options={"transfer": "10MiB"}))
    assert aim.check.transfer == MAX_TRANSFER


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"", "truncated"),
        (b"[]", "object"),
        (b"{}", "targets"),
        (b'{"targets": [], "more": 1}', "targets"),
        (b'{"targets": []}', f"from 1 to {MAX_TARGETS}"),
        (b'{"targets": [1]}', r"targets\[0\]: a target must be an object"),
        (b'{"targets": [{}]}', "url"),
        (b'{"targets": [{"url": 1}]}', "url"),
        (b'{"targets": [{"url": "x", "resolvers": []}]}', "unknown key 'resolvers'"),
        (b'{"targets": [{"url": "x", "options": []}]}', "options"),
        (b'{"targets": [{"url": "x", "addresses": ["a.example"]}]}', "no IP address"),
        (b'{"targets": [{"url": "x", "addresses": ["fe80::1%lo"]}]}', "no IP address"),
        (b'{"targets": [{"url": "' + b"x" * 2049 + b'"}]}', "longer than"),
        (b'{"targets": ' + b"[" * 60_000, "recursion"),
        (b" " * (MAX_BODY + 1), "larger than"),
        (json.dumps({"targets": [{"url": "x"}] * 17}).encode(), f"from 1 to {MAX_TARGETS}"),
        (
            json.dumps({"targets": [{"url": "x", "addresses": ["192.0.2.1"] * 9}]}).encode(),
            "addresses: more than",
        ),
    ],
)
def test_a_request_that_is_none_is_refused_with_a_reason(body: bytes, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        read_questions(body)


def test_a_session_arrives_as_it_was_told() -> None:
    session = Session.from_json(json.dumps(SESSION).encode())
    assert session.decoys == (Endpoint("198.51.100.2", 443), Endpoint("2001:db8::2", 443))
    assert session.echo == Endpoint("198.51.100.2", 7007)
    assert Session.from_json(session.as_json()) == session
    bare = Session.from_json(b'{"client": "192.0.2.9", "expires": 60}')
    assert (bare.decoys, bare.echo, bare.bytes_max) == ((), None, 0)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("decoys", ["decoy.example:443"]),
        ("decoys", ["198.51.100.2"]),
        ("decoys", ["198.51.100.2:0"]),
        ("decoys", ["198.51.100.2:70000"]),
        ("decoys", ["198.51.100.2:443"] * 17),
        ("leaf", "0" * 63),
        ("leaf", ""),
        ("bytes_token", "a b"),
        ("bytes_token", "a&b=c"),
        ("bytes_max", -1),
        ("bytes_max", 2**40),
        ("echo", "198.51.100.2:x"),
        ("client", "me"),
        ("client", "fe80::1%eth0"),
        ("expires", -1),
        ("expires", 1e9),
        ("expires", "60"),
        ("page", None),
    ],
)
def test_a_session_that_is_odd_is_none(key: str, value: object) -> None:
    with pytest.raises(ValueError):
        Session.from_json(json.dumps({**SESSION, key: value}).encode())


def test_a_reply_arrives_as_it_was_measured() -> None:
    body = b"<h1>\xff not text</h1>"
    told = reply(
        there(DAY),
        there(DAY, invalid="refused: private address", steps=()),
        anchors=(anchor_there(DAY),),
        objects={hashlib.sha256(body).hexdigest(): body},
    )
    assert Reply.from_json(told.as_json()) == told


def test_a_text_that_no_file_can_hold_still_arrives() -> None:
    odd = there(DAY)
    step = replace(odd.steps[0], detail={"error": "\udcff"})
    read = Reply.from_json(reply(replace(odd, steps=(step,))).as_json())
    assert read.measurements[0].steps[0].detail == {"error": "?"}


ONE = there(DAY)


@pytest.mark.parametrize(
    ("odd", "told"),
    [
        (reply(ONE, ONE), "twice"),
        (reply(ONE, anchors=(ONE,)), "twice"),
        (reply(replace(ONE, id="../../etc/passwd")), "no UUID"),
        (reply(*(there(DAY) for _ in range(MAX_TARGETS + 1))), "more measurements"),
        (reply(ONE, anchors=tuple(there(DAY) for _ in range(33))), "more measurements"),
        (reply(ONE, objects={"0" * 64: b"forged"}), "does not match"),
        (reply(ONE, objects={"../x": b"forged"}), "does not match"),
        (reply(ONE, client="control.example"), "no IP address"),
        (reply(ONE, control=replace(ELSEWHERE, country="Germany")), "country"),
        (reply(ONE, control=replace(ELSEWHERE, asn=-1)), "asn"),
        (reply(ONE, control=replace(ELSEWHERE, id="")), "id"),
    ],
)
def test_a_reply_that_is_odd_is_none(odd: Reply, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        Reply.from_json(odd.as_json())


def test_a_reply_is_bounded() -> None:
    with pytest.raises(ValueError, match="larger than"):
        Reply.from_json(b" " * (MAX_REPLY + 1))


@given(st.binary(max_size=200))
def test_bytes_that_are_nothing_are_a_value_error(noise: bytes) -> None:
    for read in (Reply.from_json, Session.from_json, read_questions):
        with pytest.raises(ValueError):
            read(noise)


@given(st.integers(min_value=0), st.binary(min_size=1, max_size=8))
def test_a_damaged_reply_is_understood_or_refused_but_never_crashes(at: int, noise: bytes) -> None:
    body = reply(ONE, anchors=(anchor_there(DAY),)).as_json()
    place = at % len(body)
    with contextlib.suppress(ValueError):
        Reply.from_json(body[:place] + noise + body[place + len(noise) :])


def test_what_a_quic_server_is_asked_is_what_the_control_asks_it() -> None:
    url = "quic://shop.example?request=/a%3Fb%3D1&mode=handshake"
    here = planned(targets=[{"url": url, "expect": {"status": 200}}]).jobs[0]
    asked = question(here, ())
    assert asked.options == {
        "mode": "handshake", "request": "/a?b=1", "expect": {"status": [200]}
    }  # fmt: skip
    assert aim_of(asked).check == here.check


def test_a_control_s_own_secrets_go_with_what_was_asked() -> None:
    key = "xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg="
    asked = aim_of(
        Question(
            url="wireguard://vpn.example:1234",
            options={"public_key": key},
            addresses=("93.184.216.34",),
        )
    ).check
    own = parse_target(
        "wireguard://vpn.example:1234",
        {
            "public_key": "yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk=",
            "private_key_file": "peer.key",
            "tunnel_address": "10.0.0.9",
            "tunnel_peer": "10.0.0.1",
        },
    ).check
    both: Any = with_own(asked, own)
    assert both.public_key == key
    assert (both.private_key_file, both.tunnel_address) == ("peer.key", "10.0.0.9")
    assert (both.addresses, both.lookup) == ((), False)  # whoever asks leads no secret elsewhere


@pytest.mark.parametrize(
    ("asked", "own", "trusted"),
    [
        ({}, {}, True),
        ({"to": "shop.example:443"}, {}, True),
        ({"verify": False}, {}, False),
        ({"verify": False}, {"verify": False}, True),
        ({"sni": "evil.example"}, {}, False),
        ({"pin": "0" * 64}, {}, False),
        ({}, {"pin": "0" * 64}, False),
    ],
)
def test_no_secret_goes_to_whom_only_the_asker_believes(
    asked: dict[str, Any], own: dict[str, Any], trusted: bool
) -> None:
    url = "trojan://vpn.example:443"
    question = aim_of(Question(url=url, options=asked)).check
    check = parse_target(url, {"password_file": "word", **own}).check
    both: Any = with_own(question, check)
    assert (both.password_file == "word") is trusted
    assert trusted or both == question

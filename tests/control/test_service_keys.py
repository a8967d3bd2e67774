"""probe.control.service: keys and passwords of a control's own, and where they go."""

import contextlib
from pathlib import Path
from typing import Any

import pytest
from cryptography.exceptions import InvalidTag
from support.measuring import OTHER, SITE, asked, configured, made
from support.virtual import run_virtual
from wire import ss_server

from probe.core.address import Endpoint
from probe.core.model import Measurement
from probe.core.strictyaml import ConfigError
from probe.net.fake import FakeNetwork, FakePeer
from probe.plan.question import Question, Reply
from probe.wire.shadowsocks import key_of

WORD, METHOD = "hunter2abc", "aes-256-gcm"
VPN = Endpoint(SITE, 8388)


def relaying() -> FakeNetwork:
    """A Shadowsocks server that is silent to every other password, on two ports."""
    key = key_of(WORD.encode(), METHOD)

    async def serve(peer: FakePeer) -> None:
        data = await peer.receive()
        with contextlib.suppress(InvalidTag):
            assert ss_server.received(METHOD, key, data)
            peer.send(ss_server.answer(METHOD, key, b"HTTP/1.1 200 OK\r\n\r\n"))
        await peer.receive()

    return FakeNetwork(tcp={VPN: serve, Endpoint(SITE, 8389): serve})


def lent(tmp_path: Path, url: str, **more: Any) -> tuple[Measurement, bytes]:
    """What it measures of this URL with a password of its own for VPN, and the raw answer."""
    (tmp_path / "word").write_text(WORD)
    own = {"url": f"shadowsocks://{VPN}", "method": METHOD, "password_file": "word", **more}

    async def main() -> bytes:
        measuring = made(relaying(), base=tmp_path, targets=[own])
        return await measuring.reply(asked(url), "198.51.100.7")

    raw = run_virtual(main())
    (found,) = Reply.from_json(raw).measurements
    return found, raw


def test_it_uses_a_password_of_its_own_where_it_has_one_and_shows_it_to_nobody(
    tmp_path: Path,
) -> None:
    found, raw = lent(tmp_path, f"shadowsocks://{VPN}")
    step = found.steps[-1]
    assert (step.op, step.failure, step.detail["authenticated"]) == (
        "shadowsocks_relay",
        None,
        True,
    )
    assert "keyed" not in step.detail
    assert WORD.encode() not in raw
    assert b"word" not in raw


@pytest.mark.parametrize("url", [f"shadowsocks://{SITE}:8389", f"vmess://{VPN}"])
def test_what_it_has_no_password_for_is_asked_without(tmp_path: Path, url: str) -> None:
    found, _ = lent(tmp_path, url)
    assert (found.steps[-1].failure, found.steps[-1].detail["keyed"]) == (
        "generic_timeout_error",
        True,
    )


def test_what_is_asked_for_is_asked_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "word").write_text(WORD)
    own = {"url": f"shadowsocks://{VPN}", "method": METHOD, "password_file": "word"}
    question = Question(url=f"shadowsocks://{VPN}", options={"to": "shop.example:81"})

    async def main() -> bytes:
        measuring = made(relaying(), base=tmp_path, targets=[{**own, "to": "other.example:82"}])
        return await measuring.reply([question], "198.51.100.7")

    (found,) = Reply.from_json(run_virtual(main())).measurements
    assert (found.steps[-1].failure, found.steps[-1].detail["to"]) == (None, "shop.example:81")


def test_whoever_asks_cannot_have_a_password_sent_to_another_address(tmp_path: Path) -> None:
    (tmp_path / "word").write_text(WORD)
    net, heard = FakeNetwork(), []

    async def listen(peer: FakePeer) -> None:
        while data := await peer.receive():
            heard.append(data)

    net.tcp = {VPN: listen, Endpoint(OTHER, VPN.port): listen}
    own = {"url": f"socks5://user@{VPN}", "password_file": "word"}
    question = Question(url=f"socks5://{VPN}", addresses=(OTHER,))

    async def main() -> bytes:
        measuring = made(net, base=tmp_path, targets=[own])
        return await measuring.reply([question], "198.51.100.7")

    (found,) = Reply.from_json(run_virtual(main())).measurements
    assert [step.detail.get("login") for step in found.steps if step.op == "socks5_greeting"] == [
        True
    ]
    assert heard
    assert net.dialled == [VPN]


def test_only_a_target_with_a_secret_belongs_into_a_control_s_configuration() -> None:
    with pytest.raises(ValueError, match="has no key or password"):
        configured(targets=[{"url": "https://shop.example/"}])


def test_a_key_that_is_not_there_is_told_at_the_start(tmp_path: Path) -> None:
    own = {"url": f"shadowsocks://{VPN}", "password_file": "nowhere"}
    with pytest.raises(ConfigError, match=r"targets\[0\]\.password_file: .*nowhere"):
        configured(targets=[own]).plan(tmp_path)

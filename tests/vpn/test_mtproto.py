"""The MTProto check against a server made of Telethon's schema and framing."""

import logging
import os
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
from support.programs import HERE
from support.relay import nothing, tcp_answering, tcp_relay
from telethon.network.connection import (
    ConnectionTcpAbridged,
    ConnectionTcpIntermediate,
    ConnectionTcpObfuscated,
)
from telethon.network.mtprotoplainsender import MTProtoPlainSender
from telethon.tl.functions import ReqPqMultiRequest
from vpn.outcome import Probe
from vpn.telegram import KEY, data_centre

from probe.checks.kit import Timeouts
from probe.core.model import Measurement

SHORT = Timeouts(first_byte=1.0)  # where silence is what is due


async def asked(tmp_path: Path, port: int, short: bool = False, **options: Any) -> Measurement:
    more: Any = {"timeouts": SHORT} if short else {}
    return await Probe(tmp_path / "objects")(f"mtproto://{HERE}:{port}", options, **more)


@pytest.mark.parametrize(
    "kind", [ConnectionTcpAbridged, ConnectionTcpIntermediate, ConnectionTcpObfuscated]
)
async def test_a_client_of_telegrams_is_content_with_the_server(kind: Any) -> None:
    loggers: Any = defaultdict(lambda: logging.getLogger("telethon"))
    async with data_centre() as port:
        connection = kind(HERE, port, 2, loggers=loggers)
        await connection.connect()
        nonce = int.from_bytes(os.urandom(16), "big", signed=True)
        said = await MTProtoPlainSender(connection, loggers=loggers).send(ReqPqMultiRequest(nonce))
        await connection.disconnect()
    assert (said.nonce, said.server_public_key_fingerprints) == (nonce, [KEY])


# Telethon speaks the padded transport only obfuscated.
@pytest.mark.parametrize(
    ("transport", "obfuscated"),
    [
        ("intermediate", True),
        ("padded", True),
        ("abridged", True),
        ("intermediate", False),
        ("abridged", False),
    ],
)
async def test_it_answers_us_too(tmp_path: Path, transport: str, obfuscated: bool) -> None:
    async with data_centre() as port:
        done = await asked(tmp_path, port, transport=transport, obfuscated=obfuscated)
    assert [(step.op, step.failure) for step in done.steps] == [
        ("connect", None),
        ("mtproto_req_pq", None),
    ]
    assert done.steps[1].detail["keys"] == [f"{KEY % 2**64:016x}"]


async def test_stopped_a_stranger_and_garbage_are_told_apart(tmp_path: Path) -> None:
    async with data_centre() as port:
        pass
    (step,) = (await asked(tmp_path, port)).steps
    assert (step.op, step.failure) == ("connect", "connection_refused")
    async with tcp_answering(lambda _: b"HTTP/1.1 400 Bad Request\r\n\r\n" * 4) as port:
        step = (await asked(tmp_path, port, transport="intermediate", obfuscated=False)).steps[1]
    assert step.failure == "unknown_failure: malformed mtproto reply"
    async with tcp_answering(lambda _: b"") as port:
        assert (await asked(tmp_path, port)).steps[1].failure == "eof_error"


async def test_where_the_answer_is_lost_on_the_way_there_is_silence(tmp_path: Path) -> None:
    async with data_centre() as server:
        async with tcp_relay(server) as port:
            assert (await asked(tmp_path, port)).steps[1].failure is None
        async with tcp_relay(server, back=nothing) as port:
            step = (await asked(tmp_path, port, short=True)).steps[1]
    assert (step.op, step.failure) == ("mtproto_req_pq", "generic_timeout_error")

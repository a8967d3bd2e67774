"""A data centre's first answer, made by Telethon: a client library that reads and writes Telegram's
own schema. No server of Telegram's can be had; what stands here shares no line with the probe's
codec, and the test shows that Telethon's own client is content with it.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from support.programs import HERE
from telethon.crypto import AESModeCTR
from telethon.extensions import BinaryReader
from telethon.network.connection.tcpabridged import AbridgedPacketCodec
from telethon.network.connection.tcpintermediate import (
    IntermediatePacketCodec,
    RandomizedIntermediatePacketCodec,
)
from telethon.tl.functions import ReqPqMultiRequest
from telethon.tl.types import ResPQ

KEY = 0xC3B42B026CE86B21 - 2**64  # a long is signed in Telethon
CODECS: Any = (AbridgedPacketCodec, IntermediatePacketCodec, RandomizedIntermediatePacketCodec)


class _Hidden:
    """The server's end of an obfuscated connection: the client's two directions, exchanged."""

    def __init__(self, reader: asyncio.StreamReader, init: bytes) -> None:
        self._reader = reader
        reverse = init[55:7:-1]
        self.back = AESModeCTR(reverse[:32], reverse[32:48])
        self._there = AESModeCTR(init[8:40], init[40:56])
        self.tag = self._there.decrypt(init)[56:60]

    async def readexactly(self, count: int) -> bytes:
        clear: bytes = self._there.decrypt(await self._reader.readexactly(count))
        return clear


def answer(message: bytes) -> bytes:
    """An unencrypted resPQ to an unencrypted req_pq_multi."""
    with BinaryReader(message) as reader:
        assert reader.read_long() == 0
        assert reader.read_long() % 4 == 0
        assert reader.read_int() == 20
        asked = reader.tgread_object()
    assert isinstance(asked, ReqPqMultiRequest)
    body = bytes(
        ResPQ(
            nonce=asked.nonce,
            server_nonce=7,
            pq=bytes.fromhex("17ed48941a08f981"),
            server_public_key_fingerprints=[KEY],
        )
    )
    return bytes(8) + (1).to_bytes(8, "little") + len(body).to_bytes(4, "little") + body


async def _serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        first = await reader.readexactly(1)
        source: Any = reader
        if first == AbridgedPacketCodec.tag:
            kind, hidden = AbridgedPacketCodec, None
        else:
            first += await reader.readexactly(3)
            kind, hidden = IntermediatePacketCodec, None
            if first != IntermediatePacketCodec.tag:
                source = hidden = _Hidden(reader, first + await reader.readexactly(60))
                (kind,) = [codec for codec in CODECS if codec.obfuscate_tag == hidden.tag]
        codec = kind(None)
        said = codec.encode_packet(answer(await codec.read_packet(source)))
        writer.write(hidden.back.encrypt(said) if hidden else said)
        await writer.drain()
        await reader.read()
    except (OSError, asyncio.IncompleteReadError):
        pass  # the client has gone
    finally:
        writer.close()


@asynccontextmanager
async def data_centre() -> AsyncIterator[int]:
    """The port of a server that answers req_pq_multi in every framing."""
    server = await asyncio.start_server(_serve, HERE, 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await server.wait_closed()

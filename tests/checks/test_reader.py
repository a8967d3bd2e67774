"""probe.checks.reader: what is announced by its length arrives in any pieces."""

import asyncio

import pytest

from probe.checks.reader import Reader
from probe.core.failure import EndOfStreamError, MalformedReplyError


class Pieces:
    """A stream that gives these pieces, then a FIN."""

    local_ip = None

    def __init__(self, *pieces):
        self.pieces = list(pieces)

    async def receive(self, limit=65536):
        return self.pieces.pop(0) if self.pieces else b""


@pytest.mark.parametrize("pieces", [[b"abcdef"], [b"a", b"bc", b"def"], [b"abcde", b"f"]])
def test_exactly_so_many_bytes_however_they_come(pieces):
    async def main():
        reader = Reader(Pieces(*pieces), "pptp")
        assert await reader.exactly(2) == b"ab"
        assert await reader.exactly(0) == b""
        assert await reader.exactly(3) == b"cde"
        assert await reader.some(3) == b"f"
        return reader.taken

    assert asyncio.run(main()) == 6


def test_a_fin_before_the_end_is_the_end_of_the_stream():
    async def main():
        reader = Reader(Pieces(b"abc"), "pptp")
        with pytest.raises(EndOfStreamError):
            await reader.exactly(4)
        assert await reader.exactly(3) == b"abc"
        with pytest.raises(EndOfStreamError):
            await reader.some()

    asyncio.run(main())


def test_a_mark_is_looked_for_within_a_bound():
    async def main():
        answer = Reader(Pieces(b"HTTP/1.1 200\r", b"\n\r\nrest"), "sstp")
        assert await answer.until(b"\r\n\r\n", 100) == b"HTTP/1.1 200\r\n\r\n"
        assert await Reader(Pieces(*[b"x" * 40] * 10), "pptp").until(b"\r\n\r\n", 100) is None

    asyncio.run(main())


def test_no_length_field_makes_us_wait_for_a_gigabyte():
    async def main():
        with pytest.raises(MalformedReplyError, match="no pptp message: announces"):
            await Reader(Pieces(b"abc"), "pptp").exactly(2**30)

    asyncio.run(main())

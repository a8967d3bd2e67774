"""Reading a stream by length: what binary protocols over TCP announce, they also send in pieces."""

from typing import Final

from probe.core.failure import EndOfStreamError, MalformedReplyError
from probe.net import Stream

_MOST: Final = 1024 * 1024  # bytes that one call may ask for


class Reader:
    """A stream that gives exactly as many bytes as are asked for; ``taken`` counts them all."""

    def __init__(self, stream: Stream, protocol: str) -> None:
        """Read from this stream, and let nobody else do so; ``protocol`` is what is spoken."""
        self._stream = stream
        self._protocol = protocol
        self._rest = bytearray()
        self.taken = 0

    async def exactly(self, count: int) -> bytes:
        """The next ``count`` bytes. EndOfStreamError when the peer closes before, and
        MalformedReplyError for a length that no handshake has."""
        if count > _MOST:
            raise MalformedReplyError(self._protocol, f"announces {count} bytes")
        while len(self._rest) < count:
            await self._more()
        return self._take(count)

    async def until(self, mark: bytes, most: int) -> bytes | None:
        """Everything up to and with ``mark``; None when it is not within ``most`` bytes."""
        while mark not in self._rest[:most]:
            if len(self._rest) >= most:
                return None
            await self._more()
        return self._take(self._rest.index(mark) + len(mark))

    async def some(self, limit: int = 65536) -> bytes:
        """At least one byte and at most ``limit``. EndOfStreamError when the peer has closed."""
        if not self._rest:
            await self._more()
        return self._take(min(limit, len(self._rest)))

    async def _more(self) -> None:
        piece = await self._stream.receive()
        if not piece:
            raise EndOfStreamError
        self._rest += piece

    def _take(self, count: int) -> bytes:
        taken = bytes(self._rest[:count])
        del self._rest[:count]
        self.taken += count
        return taken

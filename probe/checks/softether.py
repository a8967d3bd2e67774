"""Does a SoftEther server answer in its own protocol?"""

from dataclasses import dataclass
from typing import ClassVar, Final

from probe.checks.exchange import Request, exchange
from probe.checks.gateway import Gateway
from probe.checks.kit import Kit
from probe.core import failure
from probe.core.address import Endpoint
from probe.core.failure import NamedFailure
from probe.net import Stream
from probe.wire.softether import HEADERS, LARGEST, PATH, QUESTION, read_answer

_OK: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class SoftEtherCheck(Gateway):
    """``softether://host[:443]``: begin a connection at every address; the server's greeting
    proves it. Nobody is logged in."""

    name: ClassVar[str] = "softether"
    title: ClassVar[str] = "the beginning of a SoftEther connection"

    async def ask(self, kit: Kit, transaction: int, endpoint: Endpoint, stream: Stream) -> None:
        """Post the first question, and see who wrote the answer."""
        request = Request(
            method="POST", host=self.authority, path=PATH, headers=HEADERS, body=QUESTION
        )
        response = await exchange(kit, transaction, endpoint, stream, request, limit=LARGEST)
        async with kit.trace.step("expect", transaction, str(endpoint), within=1.0) as detail:
            if response.head.status != _OK:
                raise NamedFailure(failure.HTTP_STATUS, f"status {response.head.status}")
            answer = read_answer(response.content)
            if answer.error:
                detail["error_code"] = answer.error
            else:
                detail["hello"] = kit.trace.scrubber.text(answer.hello)
                detail["version"] = answer.version
                detail["build"] = answer.build

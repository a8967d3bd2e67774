"""Does an AnyConnect gateway answer, as Cisco's, ocserv's and OpenConnect's are?"""

from dataclasses import dataclass, replace
from typing import Annotated, ClassVar, Final

from pydantic import Field

from probe.checks.exchange import Request, exchange
from probe.checks.gateway import Gateway
from probe.checks.kit import Kit
from probe.core import failure
from probe.core.address import Endpoint
from probe.core.failure import NamedFailure
from probe.net import Stream
from probe.wire.anyconnect import AGENT, HEADERS, LARGEST, question, read_answer

_OK: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class AnyConnectCheck(Gateway):
    """``anyconnect://host[:443]``: begin a login at every address; the gateway's own form proves
    it. Nobody is logged in.

    ``group`` is the path of a group's own login, where a gateway has several. A redirect is not
    followed.
    """

    name: ClassVar[str] = "anyconnect"
    title: ClassVar[str] = "the beginning of an AnyConnect login"

    group: Annotated[str, Field(pattern=r"^[A-Za-z0-9._~-]{0,64}$")] = ""

    async def ask(self, kit: Kit, transaction: int, endpoint: Endpoint, stream: Stream) -> None:
        """Post the first document, and see who wrote the answer."""
        path = f"/{self.group}"
        request = Request(
            method="POST",
            host=self.authority,
            path=path,
            headers=HEADERS,
            body=question(f"https://{self.authority}{path if self.group else ''}"),
        )
        client = replace(kit, user_agent=AGENT)
        response = await exchange(client, transaction, endpoint, stream, request, limit=LARGEST)
        async with kit.trace.step("expect", transaction, str(endpoint), within=1.0) as detail:
            if response.head.status != _OK:
                raise NamedFailure(failure.HTTP_STATUS, f"status {response.head.status}")
            answer = read_answer(response.content)
            detail["wants"] = kit.trace.scrubber.text(answer.kind)
            detail["version"] = kit.trace.scrubber.text(answer.version)
            detail["form"] = kit.trace.scrubber.text(answer.form)
            detail["client_certificate"] = answer.certificate

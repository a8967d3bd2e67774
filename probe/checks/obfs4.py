"""Does an obfs4 bridge prove that it holds the key of its bridge line?"""

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar, Final

from pydantic import SecretStr

from probe.checks.host import HostCheck
from probe.checks.kit import Kit
from probe.checks.secret import SecretError, read_secret
from probe.checks.sending import FirstPacket, Sending
from probe.checks.steps import connect
from probe.core.address import Endpoint
from probe.core.failure import EndOfStreamError
from probe.core.model import JSON
from probe.wire.obfs4 import KEY, MARK, NODE, Client, read_cert

_CERT: Final = re.compile(r"(?:^|\s)cert=(\S+)")
_USUAL: Final = 1000  # bytes of padding in a first packet: what a filter sees in one segment


@dataclass(frozen=True, slots=True, kw_only=True)
class Obfs4Check(HostCheck):
    """``obfs4://host:port?cert=…``: one handshake at every address.

    ``cert`` is the bridge line's; the whole line may stand in ``bridge_file`` or ``bridge_env``
    instead. Without it only a connection can be told. ``iat_mode`` may stand in the URL as in the
    line, and is nothing to the handshake.
    """

    name: ClassVar[str] = "obfs4"
    default_port: ClassVar[int | None] = None
    in_query: ClassVar[tuple[str, ...]] = ("cert",)

    cert: SecretStr | None = None
    bridge_file: str | None = None
    bridge_env: str | None = None
    iat_mode: int = 0

    def __post_init__(self) -> None:
        if self.cert is not None:
            # In a URL's query a plus sign means a blank.
            Client(read_cert(self.cert.get_secret_value().replace(" ", "+")))

    def require(self) -> None:
        """The bridge line is there, if there is to be one, and is one."""
        self._bridge()

    def _bridge(self) -> bytes | None:
        if self.cert is not None:
            return read_cert(self.cert.get_secret_value().replace(" ", "+"))
        line = read_secret("bridge", file=self.bridge_file, env=self.bridge_env)
        if line is None:
            return None
        key = "bridge_file" if self.bridge_file else "bridge_env"
        found = _CERT.search(line.decode("ascii", "replace"))
        try:
            cert = read_cert(found[1] if found else "")
            Client(cert)
        except ValueError as exc:
            raise SecretError(f"{self.bridge_file or self.bridge_env}: {exc}", key) from None
        return cert

    async def _at(self, kit: Kit, transaction: int, endpoint: Endpoint) -> None:
        cert = self._bridge()
        client = Client(cert or os.urandom(NODE + KEY))
        # Silence means nothing where the bridge line is not known.
        marks: dict[str, JSON] = {"authenticated": False, "dated": True}
        stream = await connect(kit, transaction, endpoint)
        try:
            async with kit.trace.step(
                "obfs4_handshake",
                transaction,
                str(endpoint),
                within=kit.timeouts.first_byte,
                **(marks if cert else {**marks, "keyed": True}),
            ) as detail:
                sent = client.hello(kit.now())
                detail.update(bytes_sent=len(sent), bytes=0)
                await stream.send(sent)
                while not detail["authenticated"]:
                    data = await stream.receive()
                    if not data:
                        raise EndOfStreamError("closed inside the handshake")
                    detail["bytes"] += len(data)
                    detail["authenticated"] = client.feed(data)
        finally:
            stream.close()

    def first_packet(self) -> FirstPacket:
        """Random bytes and nothing else."""
        return FirstPacket("tcp", os.urandom(KEY + _USUAL + 2 * MARK))

    def sends(self) -> Iterable[Sending]:
        """Bytes that look random."""
        known = self.cert or self.bridge_file or self.bridge_env
        whose = "" if known else ", for a bridge that nobody has"
        what = f"obfs4 handshake, random to look at{whose}"
        yield Sending(self.host, self.port, "tcp", what)

"""What a check would put on the wire, said before anything is sent."""

from typing import NamedTuple


class Sending(NamedTuple):
    """One kind of packet to one host and port; ``what`` says what is seen of it on the way."""

    host: str
    port: int
    transport: str
    what: str

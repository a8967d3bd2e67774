"""What a check would put on the wire, said before anything is sent."""

from typing import NamedTuple


class Sending(NamedTuple):
    """One kind of packet to one host and port; ``what`` says what is seen of it on the way."""

    host: str
    port: int
    transport: str
    what: str


class FirstPacket(NamedTuple):
    """The first bytes of a protocol as they look from outside: its shape and its length.

    ``transport`` is ``tcp`` or ``udp``. The rest is random, made anew each time: no key, no name
    and no identifier of any target is in it, so that it can be shown to anybody.
    """

    transport: str
    payload: bytes

"""QUIC packets as servers send them, built without the codec."""


def negotiation(asked, *versions):
    """The Version Negotiation that answers a client's first datagram."""
    to, own = ids(asked)
    head = b"\x80" + bytes(4) + bytes([len(own)]) + own + bytes([len(to)]) + to
    return head + b"".join(version.to_bytes(4) for version in versions)


def ids(asked):
    """The destination's and the source's connection id of a long header."""
    size = asked[5]
    to, rest = asked[6 : 6 + size], asked[6 + size :]
    return to, rest[1 : 1 + rest[0]]

"""IKE messages as daemons send them, built without the codec."""

SPI = bytes.fromhex("0102030405060708")
THEIRS = bytes.fromhex("a1a2a3a4a5a6a7a8")


def payload(following, body):
    return bytes([following, 0]) + (4 + len(body)).to_bytes(2) + body


def message(*payloads, spi=SPI, spr=THEIRS, version=0x20, exchange=34, flags=0x20):
    """A message with these (type, body) payloads."""
    kinds = [kind for kind, _ in payloads] + [0]
    body = b"".join(payload(nxt, b) for nxt, (_, b) in zip(kinds[1:], payloads, strict=True))
    head = spi + spr + bytes([kinds[0], version, exchange, flags]) + bytes(4)
    return head + (28 + len(body)).to_bytes(4) + body


def notify(number, value=b"", at=b""):
    return at + bytes([0, 0]) + number.to_bytes(2) + value


def AGREED(spi, **more):  # noqa: N802  (a message, but for the SPI)
    parts = ((33, b"proposal"), (34, b"\x00\x0e\x00\x00" + bytes(256)), (40, bytes(32)))
    first = ((1, bytes(48)),) if more.get("version") == 0x10 else parts
    return message(*first, spi=spi, **more)


def COOKIE(spi):  # noqa: N802
    return message((41, notify(16390, b"ck")), spi=spi)


def WRONG_VERSION(spi):  # noqa: N802
    return message((41, notify(5)), spi=spi, spr=bytes(8))

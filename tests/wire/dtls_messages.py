"""DTLS messages as servers send them, built without the codec."""


def record(body, *, kind=22, version=0xFEFD, epoch=0, sequence=0):
    head = bytes([kind]) + version.to_bytes(2) + epoch.to_bytes(2) + sequence.to_bytes(6)
    return head + len(body).to_bytes(2) + body


def handshake(kind, body, *, number=0, offset=0, whole=None):
    """A message, or a fragment of one that is ``whole`` octets long."""
    size = len(body) if whole is None else whole
    head = bytes([kind]) + size.to_bytes(3) + number.to_bytes(2)
    return head + offset.to_bytes(3) + len(body).to_bytes(3) + body


def HELLO_VERIFY(cookie, *, version=0xFEFF, sequence=0):  # noqa: N802  (a message)
    body = version.to_bytes(2) + bytes([len(cookie)]) + cookie
    return record(handshake(3, body), version=0xFEFF, sequence=sequence)


def SERVER_HELLO(*, version=0xFEFD, session=b"", suite=0xC030):  # noqa: N802
    body = version.to_bytes(2) + bytes(range(32)) + bytes([len(session)]) + session
    return record(handshake(2, body + suite.to_bytes(2) + b"\0", number=1), sequence=1)


def ALERT(number):  # noqa: N802
    return record(bytes([2, number]), kind=21)

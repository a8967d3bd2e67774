"""L2TP messages as servers send them, built without the codec."""

NUMBER = 0x1234


def avp(name, value, *, vendor=0, hidden=False):
    """One attribute, mandatory."""
    head = 0x8000 | (0x4000 if hidden else 0) | (6 + len(value))
    return head.to_bytes(2) + vendor.to_bytes(2) + name.to_bytes(2) + value


def message(*attributes, tunnel=NUMBER, session=0, number=0, acknowledges=1):
    """A control message with these attributes; with none it only acknowledges."""
    body = b"".join(attributes)
    parts = (0xC802, 12 + len(body), tunnel, session, number, acknowledges)
    return b"".join(part.to_bytes(2) for part in parts) + body


def granted(number=NUMBER, theirs=0x2BD4):
    """A tunnel for this number."""
    known = (avp(2, b"\1\0"), avp(3, b"\0\0\0\3"), avp(6, b"\6\x90"))
    named = (avp(7, b"gate"), avp(8, b"maker"), avp(9, theirs.to_bytes(2)), avp(10, b"\0\4"))
    return message(avp(0, b"\0\2"), *known, *named, tunnel=number)


SCCRP = granted()
STOPPED = message(avp(0, b"\0\4"), avp(9, b"\0\7"), avp(1, b"\0\2\0\4no more"))

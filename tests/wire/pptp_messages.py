"""PPTP messages as servers send them, built without the codec."""

MAGIC = bytes.fromhex("1a2b3c4d")


def message(control, rest, *, kind=1, magic=MAGIC, length=None):
    """A message with this behind its head."""
    said = (10 + len(rest)) if length is None else length
    return said.to_bytes(2) + kind.to_bytes(2) + magic + control.to_bytes(2) + rest


def reply(result=1, error=0, *, host=b"local", vendor=b"linux"):
    """A Start-Control-Connection-Reply."""
    known = bytes([0, 0, 1, 0, result, error]) + bytes(8) + b"\0\1\0\1"
    return message(2, known + host.ljust(64, b"\0") + vendor.ljust(64, b"\0"))


STOPPED = message(4, bytes([0, 0, 1, 0, 0, 0]))
STOP = message(3, bytes([0, 0, 3, 0, 0, 0]))
ECHO = message(5, bytes([0, 0]) + b"abcd")

"""Packs as SoftEther's servers send them, built without the codec."""


def text(value):
    return 2, len(value).to_bytes(4) + value


def data(value):
    return 1, len(value).to_bytes(4) + value


def number(value):
    return 0, value.to_bytes(4)


def long(value):
    return 4, value.to_bytes(8)


def pack(**elements):
    """Named elements of one value each: (type, packed)."""
    whole = len(elements).to_bytes(4)
    for name, (kind, value) in elements.items():
        whole += (len(name) + 1).to_bytes(4) + name.encode()
        whole += kind.to_bytes(4) + (1).to_bytes(4) + value
    return whole


GREETING = pack(
    build=number(9674),
    hello=text(b"SoftEther VPN Server (64 bit)"),
    random=data(bytes(range(20))),
    version=number(501),
    pencore=data(bytes(40)),
)

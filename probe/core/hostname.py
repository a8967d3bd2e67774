"""Host names as they go on the wire."""

import ipaddress

import idna

from probe.core.address import is_ip


def normal_host(host: str, shown: str) -> str:
    """Lower case, IDNA 2008 (RFC 5891), without the root's dot; an IP literal in one spelling.

    ValueError, in which ``shown`` says where the host stood, for what is no host name.
    """
    literal = host.replace("%25", "%", 1)  # a zone's sign as URLs write it (RFC 6874)
    if is_ip(literal):
        return str(ipaddress.ip_address(literal))
    name = host.rstrip(".").lower()
    try:
        if not name.isascii():
            name = idna.encode(name, uts46=True).decode()
    except idna.IDNAError as exc:
        raise ValueError(f"'{shown}': '{host}' is no host name: {exc}") from None
    labels = name.split(".")
    allowed = all(c.isalnum() or c in "-_" for label in labels for c in label)
    if len(name) > 253 or not allowed or not all(0 < len(label) < 64 for label in labels):
        raise ValueError(f"'{shown}': '{host}' is no host name")
    if labels[-1].isdigit():  # 300.1.2.3 and 1.2.3 are mistyped addresses, never names
        raise ValueError(f"'{shown}': '{host}' is neither an IP address nor a name")
    return name


def parse_place(text: str) -> tuple[str, int]:
    """A host and a port, as ``name:443`` or ``[2001:db8::1]:443``. ValueError for anything else."""
    host, colon, port = text.rpartition(":")
    if not colon or not port.isascii() or not port.isdigit() or not 0 < int(port) < 65536:
        raise ValueError(f"'{text[:80]}' is no host and port: write it as in www.example.com:443")
    bracketed = host.startswith("[") and host.endswith("]")
    if ":" in host and not bracketed:
        raise ValueError(f"'{text[:80]}': write an IPv6 address in brackets")
    return normal_host(host[1:-1] if bracketed else host, text[:80]), int(port)

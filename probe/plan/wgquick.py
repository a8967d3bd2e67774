"""Files of wg-quick (``.conf``): every peer with an ``Endpoint`` is a target, with the file's keys.

The language is wg-quick's (wg-quick(8), "CONFIGURATION"; wg(8), "CONFIGURATION FILE FORMAT"):
sections in brackets, ``Key = value``, ``#`` begins a comment, upper and lower case are the same.
What would be run (``PostUp`` and the like) or set on this machine is passed over.

The private key in such a file is somebody's: a server takes the sender of a valid handshake for
that peer's new address, so a probe takes the tunnel away from whoever uses it, and a fast clock
locks the key out. A file is read only where its owner says that nothing else uses the key.

``Address`` and ``DNS`` say where packets can be sent through the tunnel, if that peer leads there.
"""

import contextlib
import dataclasses
import ipaddress
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from pydantic import SecretStr

from probe.checks.wireguard import decode_key
from probe.core.hostname import parse_place
from probe.core.model import JSON
from probe.plan.target import DEDICATED, Aim, OptionError, parse_target

_Address = ipaddress.IPv4Interface | ipaddress.IPv6Interface

MOST_PEERS: Final = 64
_LONGEST: Final = 4096  # characters of a line: a list of allowed addresses may be long
WHY: Final = (
    "its key would be used, and a probe takes the tunnel away from whoever uses it (and a fast "
    "clock locks it out). Have a peer added for the probe alone, and say so: "
)


@dataclasses.dataclass
class _Section:
    """A section: its name, the line where it begins, and its keys in small letters."""

    name: str
    line: int
    values: dict[str, str] = dataclasses.field(default_factory=dict)


def read(text: str, _folder: Path, options: Mapping[str, JSON]) -> tuple[Aim, ...]:
    """One target for each peer that has an endpoint. ValueError if the file cannot be used, or if
    ``options`` do not say that its key is a dedicated one."""
    own = {key: value for key, value in options.items() if key != DEDICATED}
    if options.get(DEDICATED) is not True:
        raise OptionError(f"{WHY}--dedicated-key, or 'dedicated_key: true'", DEDICATED)
    sections = list(_sections(text))
    interfaces = [each for each in sections if each.name == "interface"]
    if len(interfaces) != 1:
        raise ValueError(f"has {'more than one' if interfaces else 'no'} [Interface]")
    private = _key(interfaces[0], "privatekey")
    if private is None:
        raise ValueError(f"line {interfaces[0].line}: [Interface] has no PrivateKey")
    peers = [each for each in sections if each.name == "peer" and "endpoint" in each.values]
    if not peers:
        raise ValueError("names no server: there is no [Peer] with an Endpoint")
    if len(peers) > MOST_PEERS:
        raise ValueError(f"names more than {MOST_PEERS} servers")
    return tuple(
        {
            aim.url: aim for aim in (_aim(peer, interfaces[0], private, own) for peer in peers)
        }.values()
    )


def _sections(text: str) -> Iterator[_Section]:
    section: _Section | None = None
    for number, line in enumerate(text.splitlines(), 1):
        if len(line) > _LONGEST:
            raise ValueError(f"line {number}: longer than {_LONGEST} characters")
        bare = line.partition("#")[0].strip()
        if not bare:
            continue
        if bare.startswith("["):
            if section:
                yield section
            section = _Section(bare.strip("[]").strip().lower(), number)
            if section.name not in {"interface", "peer"}:
                raise ValueError(f"line {number}: there are [Interface] and [Peer] only")
            continue
        key, equals, value = (part.strip() for part in bare.partition("="))
        if not equals or section is None:
            raise ValueError(f"line {number}: is no 'Key = value' in a section")
        section.values[key.lower()] = value  # the last one counts, as for wg
    if section:
        yield section


def _key(section: _Section, name: str) -> SecretStr | None:
    """A secret key. What is wrong with it is told without it."""
    text = section.values.get(name)
    if text is None:
        return None
    try:
        decode_key(text)
    except ValueError as exc:
        raise ValueError(f"line {section.line}: {name} of this section: {exc}") from None
    return SecretStr(text)


def _addresses(section: _Section, key: str) -> Iterator[_Address]:
    for text in section.values.get(key, "").split(","):
        with contextlib.suppress(ValueError):  # DNS names search domains too
            yield ipaddress.ip_interface(text.strip())


def _inside(interface: _Section, peer: _Section) -> dict[str, JSON]:
    """Our address inside the tunnel, and the name server that this peer leads to, which is asked
    for echoes; nothing where there are no such two of one IP version."""
    allowed = [given.network for given in _addresses(peer, "allowedips")]
    for ours in _addresses(interface, "address"):
        for theirs in _addresses(interface, "dns"):
            led = any(theirs.ip in network for network in allowed)
            if led and ours.version == theirs.version and ours.ip != theirs.ip:
                return {"tunnel_address": str(ours.ip), "tunnel_peer": str(theirs.ip)}
    return {}


def _aim(
    peer: _Section, interface: _Section, private: SecretStr, options: Mapping[str, JSON]
) -> Aim:
    try:
        public = peer.values.get("publickey")
        if public is None:
            raise ValueError("has no PublicKey")
        decode_key(public)
        host, port = parse_place(peer.values["endpoint"][:300])
    except ValueError as exc:
        raise ValueError(f"line {peer.line}: [Peer]: {exc}") from None
    where = f"[{host}]" if ":" in host else host
    inside = {} if "tunnel_peer" in options else _inside(interface, peer)
    given = {"public_key": public, **inside, **options}
    aim = parse_target(f"wireguard://{where}:{port}", given)
    psk = _key(peer, "presharedkey")
    check: Any = dataclasses.replace(aim.check, private_key=private, psk=psk)  # type: ignore[type-var]
    return dataclasses.replace(aim, check=check, handed_out=True)

"""OpenVPN's client profiles (``.ovpn``): every ``remote`` is a target, with the profile's keys.

The language is OpenVPN's (openvpn(8), "CONFIGURATION FILE" and "INLINE FILE SUPPORT"): a line is
an option and its words, ``#`` and ``;`` begin a comment, ``<name>`` begins a block that stands for
a file. All that does not change the handshake is passed over; what would send it another way, such
as a proxy, makes the profile unusable, because something else would be measured than what the
client does.

The certificate, key and password in it are somebody's: a login with them ends the session of
whoever uses them. They are looked at only where the profile's owner says that nothing else does.
"""

import dataclasses
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from pydantic import SecretStr

from probe.core.address import is_ip
from probe.core.hostname import normal_host
from probe.core.model import JSON
from probe.plan.target import DEDICATED, Aim, OptionError, parse_target

MOST_REMOTES: Final = 64  # as OpenVPN's own limit was until 2.5
_LONGEST: Final = 1024  # characters of a line; OpenVPN takes 255

# What the client would do otherwise than the probe, and why that cannot be measured.
_REFUSED: Final = {
    "http-proxy": "goes through a proxy: the way to the proxy would be measured, not this one",
    "socks-proxy": "goes through a proxy: the way to the proxy would be measured, not this one",
    "secret": "static-key mode has no handshake that could be measured",
    "config": "includes another file: give that one",
    "remote-random-hostname": "invents host names: give the host to measure as a URL",
    "server": "is a server's configuration, not a client's",
    "tls-server": "is a server's configuration, not a client's",
}
_PROTOCOLS: Final = {
    **dict.fromkeys(("udp", "udp4", "udp6"), "udp"),
    **dict.fromkeys(("tcp", "tcp4", "tcp6", "tcp-client", "tcp4-client", "tcp6-client"), "tcp"),
}
_KEYS: Final = {"tls-auth": "tls_auth", "tls-crypt": "tls_crypt", "tls-crypt-v2": "tls_crypt_v2"}
_LOGIN: Final = "auth-user-pass"
_OURS: Final = {"cert": "cert", "key": "key", _LOGIN: "auth_user_pass"}
_FILES: Final = {"ca", *_KEYS, *_OURS}  # options whose file may stand inline
_INLINE: Final = "[inline]"  # an old way to say that the file follows in a block
_WORD: Final = re.compile(r"""\s*(?:"((?:[^"\\]|\\.)*)"|'([^']*)'|((?:[^\s"'\\]|\\.)+))""")


class _File(NamedTuple):
    """What an option that takes a file was given: its name, or the text of the file itself."""

    name: str | None = None
    text: str | None = None


@dataclasses.dataclass
class _State:
    """What holds for a remote: as of now, for a ``<connection>`` with what it says itself."""

    remotes: list[tuple[str, str | None, str | None]] = dataclasses.field(default_factory=list)
    protocol: str = "udp"
    port: str = "1194"
    digest: str = "SHA1"
    direction: str | None = None
    asks: bool = False  # whether the client asks its user for a name and password
    files: dict[str, _File] = dataclasses.field(default_factory=dict)

    def copy(self) -> "_State":
        """The same without the remotes."""
        return dataclasses.replace(self, remotes=[], files=dict(self.files))


def read(text: str, folder: Path, options: Mapping[str, JSON]) -> tuple[Aim, ...]:
    """One target for each remote, each once, in their order. ValueError if it cannot be used."""
    dedicated = options.get(DEDICATED, False)
    if not isinstance(dedicated, bool):
        raise OptionError("say true or false", DEDICATED)
    given = {key: value for key, value in options.items() if key != DEDICATED}
    state, connections = _State(), list[_State]()
    forced: str | None = None
    for number, name, value in _lines(text):
        try:
            match name, value:
                case "<connection>", str(inner):
                    own = state.copy()
                    for _, option, words in _lines(inner):
                        _take(own, option, words)
                    connections.append(own)
                case "proto-force", [protocol, *_]:
                    forced = _protocol(protocol)
                case _:
                    _take(state, name, value)
        except ValueError as exc:
            raise ValueError(f"line {number}: {name.strip('<>')}: {exc}") from None
    aims = {}
    # Where there are connections, OpenVPN leaves remotes outside of them alone. A file for all of
    # them may stand behind them.
    for own in connections or [state]:
        own.files = {**state.files, **own.files}
        for host, port, said in own.remotes:
            chosen = said or own.protocol
            if forced is None or chosen == forced:
                aim = _aim(own, host, port or own.port, chosen, folder, given, dedicated)
                aims[aim.url] = aim
    if not aims:
        raise ValueError("names no server: there is no 'remote' in it that could be used")
    if len(aims) > MOST_REMOTES:
        raise ValueError(f"names more than {MOST_REMOTES} servers")
    return tuple(aims.values())


def _lines(text: str) -> Iterator[tuple[int, str, list[str] | str]]:
    """Line number, option and its words; of a block ``<name>`` and the text in it."""
    lines = iter(enumerate(text.splitlines(), 1))
    for number, line in lines:
        stripped = line.strip()
        if len(stripped) > _LONGEST:
            raise ValueError(f"line {number}: longer than {_LONGEST} characters")
        if opening := re.fullmatch(r"<([a-z0-9-]+)>", stripped):
            inner = []
            for _, line_within in lines:
                if line_within.strip() == f"</{opening[1]}>":
                    break
                inner.append(line_within)
            else:
                raise ValueError(f"line {number}: {stripped} has no end")
            yield number, stripped, "\n".join(inner)
        elif words := _words(stripped):
            yield number, words[0].removeprefix("--"), words[1:]


def _words(line: str) -> list[str]:
    found, at = [], 0
    while at < len(line):
        if line[at:].lstrip()[:1] in {"#", ";"}:
            break
        word = _WORD.match(line, at)
        if word is None:  # an open quotation mark; OpenVPN refuses the whole file for it
            break
        double, single, bare = word.groups()
        escaped = double if double is not None else bare
        found.append(single if single is not None else re.sub(r"\\(.)", r"\1", escaped))
        at = word.end()
    return found


def _take(state: _State, name: str, value: list[str] | str) -> None:
    """Let the state know one option."""
    if name.strip("<>") in _FILES:
        _take_file(state, name.strip("<>"), value)
        return
    refused = "server" if name == "mode" and value[:1] == ["server"] else name
    if refused in _REFUSED:
        raise ValueError(_REFUSED[refused])
    match name, value:
        case "remote", [host, *more]:
            port, protocol = (*more, None, None)[:2]
            state.remotes.append((host, port, _protocol(protocol) if protocol else None))
            if len(state.remotes) > MOST_REMOTES:
                raise ValueError(f"there are more than {MOST_REMOTES}")
        case "proto", [protocol, *_]:
            state.protocol = _protocol(protocol)
        case (("port" | "rport"), [port, *_]):
            state.port = port
        case "auth", [digest, *_]:
            state.digest = digest
        case "key-direction", [direction, *_]:
            state.direction = direction


def _take_file(state: _State, name: str, value: list[str] | str) -> None:
    if isinstance(value, str):
        state.files[name] = _File(text=value)
        return
    file, *more = value or [_INLINE]
    if name == "tls-auth" and more:
        state.direction = more[0]
    if file != _INLINE:
        state.files[name] = _File(name=file)
    elif name == _LOGIN and not value:
        state.asks = True


def _protocol(word: str) -> str:
    if word not in _PROTOCOLS:
        raise ValueError(f"'{word[:40]}' is no protocol of a client's: udp or tcp")
    return _PROTOCOLS[word]


def _aim(
    state: _State,
    host: str,
    port: str,
    protocol: str,
    folder: Path,
    options: Mapping[str, JSON],
    dedicated: bool,
) -> Aim:
    shown = host[:80]
    name = host if is_ip(host) else normal_host(host, shown)  # no '?' that would begin options
    if not port.isascii() or not port.isdigit() or not 0 < int(port[:6]) < 65536:
        raise ValueError(f"remote: '{port[:40]}' is no port")
    where = f"[{name}]" if ":" in name else name
    own, inline = _options(state, folder)
    if dedicated:
        ours, within = _credentials(state, folder, options)
        own, inline = {**own, **ours}, {**inline, **within}
    aim = parse_target(f"openvpn+{protocol}://{where}:{int(port)}", {**own, **options})
    check: Any = dataclasses.replace(aim.check, **inline)  # type: ignore[type-var]
    return dataclasses.replace(aim, check=check, handed_out=True)


def _options(state: _State, folder: Path) -> tuple[dict[str, JSON], dict[str, Any]]:
    """The options of the check, and the keys that stand in the profile itself."""
    kinds = [kind for kind in _KEYS if kind in state.files]
    if len(kinds) > 1:
        raise ValueError(f"{' and '.join(kinds)}: a server has one kind of key")
    options: dict[str, JSON] = {}
    inline: dict[str, Any] = {}
    for kind in kinds:
        file, option = state.files[kind], _KEYS[kind]
        if file.text is not None:
            inline[option] = SecretStr(file.text)
        else:
            options[f"{option}_file"] = _beside(folder, str(file.name))
        if kind == "tls-auth":
            options["digest"] = state.digest
            options["key_direction"] = state.direction
    authorities = state.files.get("ca")
    if authorities is not None and authorities.text is not None:
        options["ca"] = authorities.text
    elif authorities is not None:
        options["ca_file"] = _beside(folder, str(authorities.name))
    return options, inline


def _credentials(
    state: _State, folder: Path, options: Mapping[str, JSON]
) -> tuple[dict[str, JSON], dict[str, Any]]:
    """The same of what the client is known by."""
    named: dict[str, JSON] = {}
    inline: dict[str, Any] = {}
    for name, option in _OURS.items():
        if any(key in options for key in (f"{option}_file", f"{option}_env")):
            continue  # the user's own wins
        file = state.files.get(name)
        if file is None:
            if name == _LOGIN and state.asks:
                raise ValueError(f"{_LOGIN}: names no file: give {option}_file with both in it")
        elif file.text is None:
            named[f"{option}_file"] = _beside(folder, str(file.name))
        elif name == "cert":
            named[option] = file.text
        else:
            inline[option] = SecretStr(file.text.strip())
    return named, inline


def _beside(folder: Path, name: str) -> str:
    """A file that a profile names. What is no file, such as a pipe, could keep us waiting."""
    path = folder / name
    try:
        if path.exists() and not path.is_file():
            raise ValueError(f"{path}: is no file")
    except OSError as exc:  # a name that is too long, or a folder that is closed to us
        raise ValueError(f"{str(path)[:200]}: {(exc.strerror or str(exc)).lower()}") from None
    return str(path)

"""Targets are URLs: the scheme names the check, the rest says where, options say how.

Options stand in the query (``tls://host?sni=name``) or, where the query belongs to the server, in
the fragment, which is never sent (``https://host/path?q=1#transfer=128KiB``); a configuration gives
them as keys. The check's own fields say which options it has.
"""

import dataclasses
import difflib
import functools
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from pydantic import TypeAdapter, ValidationError

from probe.checks import Check, load
from probe.checks.resolver import parse_resolver
from probe.core.address import is_ip
from probe.core.hostname import normal_host
from probe.core.masking import mask
from probe.core.model import JSON
from probe.core.units import parse_duration
from probe.plan.accesskey import SCHEME, is_access_key, read_access_key

WEB: Final = {"http", "https"}
SHORTEST: Final = 1.0  # seconds between two measurements of a target: a slip must not be a flood
COMMON: Final = frozenset({"resolver", "timeout", "every"})  # options of every check
SECRET_ENDINGS: Final = ("_file", "_env")  # of options that lead to what must not be shown
PUBLIC_FILES: Final = frozenset({"ca_file"})  # certificates of authorities are no secret
DEDICATED: Final = "dedicated_key"  # of a profile: nothing else uses the keys in it
_PARTS: Final = frozenset({"host", "port", "path"})


class OptionError(ValueError):
    """A wrong option; ``key`` is the place of the mistake below the target."""

    def __init__(self, message: str, *key: str) -> None:
        """Say what is wrong with the option of this name, or with a key below it."""
        super().__init__(message)
        self.key = key


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Aim:
    """A target URL that was understood: its check, its shown form, and what else it asked for.

    ``handed_out`` says that it stands in a profile that only its users were given.
    """

    check: Check
    url: str
    host: str
    common: dict[str, JSON]
    handed_out: bool = False

    @property
    def private(self) -> bool:
        """Whether it is shown to nobody unless its owner says so: few know what needs a key. The
        key itself is never shown."""
        return self.handed_out or bool(secrets_of(self.check))


def feature_of(check: str) -> str:
    """The feature that a check stands for, where nobody says it."""
    if check in WEB:
        return "web"
    return "shadowsocks" if check == SCHEME else check


def parse_target(text: str, options: Mapping[str, JSON] | None = None) -> Aim:
    """Build the check that a target URL and its options describe.

    Raises ValueError (OptionError for an option) with a text that says what to change; it never
    repeats a secret.
    """
    shown = mask(text)
    checks = load()
    if is_access_key(text):
        text = read_access_key(text, shown)
    parts = _split(text, shown)
    if parts.scheme not in checks:
        guess = difflib.get_close_matches(parts.scheme, checks, 1)
        hint = f"did you mean {guess[0]}://?" if guess else f"there are {', '.join(checks)}"
        raise ValueError(f"'{shown}': no check is called '{parts.scheme}'; {hint}")
    check_type = checks[parts.scheme]
    given = {**_url_options(parts), **(options or {})}
    common = {key: _common(key, given.pop(key)) for key in COMMON & given.keys()}
    host = normal_host(parts.hostname or "", shown)
    port = check_type.default_port if parts.port is None else parts.port
    if not port:
        raise ValueError(f"'{shown}': a port is needed, as in {parts.scheme}://{host}:443")
    values: dict[str, JSON] = {"host": host, "port": port, **_own(check_type, given)}
    values |= _credentials(check_type, parts, shown)
    if parts.scheme not in WEB and parts.path not in {"", "/"}:
        raise ValueError(f"'{shown}': {parts.scheme} takes no path")
    if parts.scheme in WEB:
        values["path"] = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Aim(
        check=_build(check_type, values, shown),
        url=_normal_url(parts, host, port, check_type.default_port),
        host=host,
        common=common,
    )


def _split(text: str, shown: str) -> SplitResult:
    try:
        parts = urlsplit(text.strip())
        _ = parts.port  # is read late by urllib, and raises then
    except ValueError:  # its text would repeat parts of the URL that may be a password's
        raise ValueError(f"'{shown}' is no URL: look at its host and its port") from None
    if not parts.scheme or not parts.hostname:
        raise ValueError(f"'{shown}' names no host; write it as in https://host/path")
    if parts.scheme in WEB and not (parts.path + parts.query).isascii():
        raise ValueError(f"'{shown}': write characters outside ASCII as %XX")
    if any(ord(c) <= 32 or ord(c) == 127 for c in text.strip()):
        raise ValueError(f"'{shown}' has a blank or control character in it")
    return parts


def _url_options(parts: SplitResult) -> dict[str, JSON]:
    texts = [parts.fragment] if parts.scheme in WEB else [parts.query, parts.fragment]
    pairs = [pair for text in texts for pair in parse_qsl(text, keep_blank_values=True)]
    repeated = [key for key, _ in pairs if sum(key == other for other, _ in pairs) > 1]
    if repeated:
        raise OptionError("stands there twice", repeated[0])
    return {key.replace("-", "_"): value for key, value in pairs}


def _common(key: str, value: JSON) -> JSON:
    """Seconds of a duration; the resolvers of a list that is written with commas."""
    try:
        if key == "resolver":
            return tuple(parse_resolver(text) for text in str(value).split(","))
        seconds = parse_duration(str(value))
        if not seconds:
            raise ValueError(f"'{value}' is no time at all")
        if key == "every" and seconds < SHORTEST:
            raise ValueError(f"'{value}': nobody is to be asked more than once in {SHORTEST:g}s")
        return seconds
    except ValueError as exc:
        raise OptionError(str(exc), key) from None


def _own(check_type: Any, given: dict[str, JSON]) -> dict[str, JSON]:
    """The options of the check itself; lists may be written with commas."""
    fields = {field.name: field for field in dataclasses.fields(check_type)}
    open_to_all = fields.keys() - _PARTS - {name for name in fields if _is_secret(fields[name])}
    names = sorted(open_to_all | set(getattr(check_type, "in_query", ())))
    values: dict[str, JSON] = {}
    for key, value in given.items():
        if key not in names:
            guess = difflib.get_close_matches(key, [*names, *COMMON], 1)
            hint = f"; did you mean '{guess[0]}'?" if guess else ""
            raise OptionError(f"unknown key for {check_type.name}://{hint}", key)
        several = str(fields[key].type).startswith("tuple")
        values[key] = value.split(",") if several and isinstance(value, str) else value
    for ip in values.get("addresses", ()):
        if not is_ip(str(ip)):
            raise OptionError(f"'{ip}' is no IP address", "addresses")
    return values


def _credentials(check_type: Any, parts: SplitResult, shown: str) -> dict[str, JSON]:
    """What stands before the @, under the names that the check has for it."""
    given = [unquote(text) for text in (parts.username, parts.password) if text is not None]
    names: tuple[str, ...] = getattr(check_type, "credentials", ())
    if len(given) > len(names):
        takes = f"only {names[0]}@ there" if names else "no user name or password"
        raise ValueError(f"'{shown}': {parts.scheme} takes {takes}")
    return dict(zip(names, given, strict=False))


def secrets_of(check: Check) -> tuple[str, ...]:
    """The options that lead to a secret of the target and are given: such a target is private
    unless its owner says otherwise."""
    held = []
    for field in dataclasses.fields(type(check)):  # type: ignore[arg-type]  # every check is one
        led = field.name.endswith(SECRET_ENDINGS) and field.name not in PUBLIC_FILES
        if getattr(check, field.name) is not None and (led or _is_secret(field)):
            held.append(field.name)
    return tuple(held)


def _is_secret(field: "dataclasses.Field[Any]") -> bool:
    return "SecretStr" in str(field.type)


def _build(check_type: Any, values: dict[str, JSON], shown: str) -> Check:
    try:
        check: Check = _adapter(check_type).validate_python(values)
    except ValidationError as exc:
        error = exc.errors(include_url=False)[0]
        key = [str(part) for part in error["loc"]]
        message = error["msg"].removeprefix("Value error, ")
        message = message[:1].lower() + message[1:]
        if not key or key[0] in _PARTS:
            raise ValueError(f"'{shown}': {message}") from None
        if error["type"] == "extra_forbidden":
            message = "unknown key"
        raise OptionError(message, *key) from None
    return check


@functools.cache
def _adapter(check_type: Any) -> TypeAdapter[Any]:
    """Made once for each check: it costs more than all targets of that kind."""
    return TypeAdapter(check_type)


def _normal_url(parts: SplitResult, host: str, port: int, default: int | None) -> str:
    """One spelling for one target, without secrets and fragment: an ad-hoc target's id."""
    name = f"[{host}]" if ":" in host else host
    where = name if port == default else f"{name}:{port}"
    path = (parts.path or "/") if parts.scheme in WEB else parts.path.rstrip("/")
    query = f"?{parts.query}" if parts.query else ""
    return mask(f"{parts.scheme}://{where}{path}{query}")

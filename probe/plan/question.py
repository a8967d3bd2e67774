"""What is asked of a control and what it answers: the wire format, for both ends.

``POST /v1/measure`` takes questions and gives a ``Reply``; ``POST /v1/session`` takes ``{}`` and
gives a ``Session``. A question holds what determines the packets that are sent, and nothing that
is only the asker's: no secret, no file, no resolver. Whatever arrives, at either end, is hostile
until it was read here: every reader raises ValueError with a text that says what is wrong.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec
from pydantic import BaseModel

from probe.checks import Check
from probe.core.address import is_ip, is_local
from probe.core.masking import mask
from probe.core.model import JSON
from probe.plan.jobs import Job
from probe.plan.reply import MAX_REPLY, MAX_TARGETS, Reply, Session, decoded, told_shortly
from probe.plan.target import WEB, Aim, OptionError, parse_target

__all__ = [  # all of the wire format, in one place for both ends
    "MAX_ADDRESSES",
    "MAX_BODY",
    "MAX_REPLY",
    "MAX_TARGETS",
    "MAX_TRANSFER",
    "MEASURE",
    "OPTIONS",
    "SESSION",
    "Question",
    "Reply",
    "Session",
    "aim_of",
    "question",
    "read_questions",
    "with_own",
    "write_questions",
]

MEASURE: Final = "/v1/measure"
SESSION: Final = "/v1/session"
MAX_ADDRESSES: Final = 8  # in one question; a control measures as many of its own beside them
MAX_BODY: Final = 64 * 1024  # bytes of a request
MAX_TRANSFER: Final = 1024 * 1024  # bytes that a control reads of one body
# Options that concern what is sent, or what the answer has to be. All others stay at home.
OPTIONS: Final = frozenset(
    {
        *("sni", "alpn", "verify", "pin", "roots"),
        *("transfer", "follow", "expect", "host_header"),
        *("type", "public_key", "exchange", "group", "to", "transport", "obfuscated"),
        *("mode", "request"),
    }
)

_MAX_URL: Final = 2048  # characters
_ASKED: Final = frozenset({"host", "port", "path"})  # besides the options
_TRUST: Final = frozenset({"sni", "verify", "pin", "roots"})  # options that say who is believed


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One target: its URL without options, the options, and the addresses that the asker's
    resolvers gave (measured beside the control's own lookup)."""

    url: str
    options: dict[str, JSON] = field(default_factory=dict)
    addresses: tuple[str, ...] = ()

    def as_json(self) -> dict[str, JSON]:
        """As it stands in the request."""
        return {"url": self.url, "options": self.options, "addresses": list(self.addresses)}

    @classmethod
    def from_json(cls, value: JSON) -> "Question":
        """Read what ``as_json`` gives. ValueError for any other key, type or size."""
        if not isinstance(value, Mapping):
            raise ValueError("a target must be an object")
        if unknown := value.keys() - {"url", "options", "addresses"}:
            raise ValueError(f"unknown key '{min(unknown)[:40]}'")
        with told_shortly():
            asked = msgspec.convert(value, cls)
        if len(asked.url) > _MAX_URL:
            raise ValueError(f"url: longer than {_MAX_URL} characters")
        if len(asked.addresses) > MAX_ADDRESSES:
            raise ValueError(f"addresses: more than {MAX_ADDRESSES}")
        # A scope (fe80::1%eth0) means something on one machine only.
        if any(not is_ip(ip) or "%" in ip for ip in asked.addresses):
            raise ValueError("addresses: one of them is no IP address")
        return asked


def question(job: Job, addresses: Sequence[str]) -> Question:
    """The question that a job amounts to; ``addresses`` are what the resolvers here gave.

    Those of the vantage's own network are left out: elsewhere they are other machines'.

    Raises ValueError if the target cannot be shown to anybody: its URL holds a secret.
    """
    check: Any = job.check
    url = _bare_url(check)
    if mask(url) != url:
        raise ValueError("its URL holds a secret, which is shown to nobody")
    options: dict[str, JSON] = {}
    for option in dataclasses.fields(check):
        value = getattr(check, option.name)
        if option.name in OPTIONS and value != option.default:
            options[option.name] = _plain(value)
    known = (*getattr(check, "addresses", ()), *addresses)
    each = dict.fromkeys(ip for ip in known if not is_local(ip))
    return Question(url=url, options=options, addresses=tuple(each)[:MAX_ADDRESSES])


def aim_of(asked: Question) -> Aim:
    """The check that a question asks for, at the control: its addresses beside a lookup.

    Raises ValueError if it is no target or an option is not among ``OPTIONS``. Whether its host
    and addresses may be measured at all is for the caller to decide.
    """
    parts = urlsplit(asked.url)
    if parts.fragment or (parts.query and parts.scheme not in WEB):
        raise ValueError("options stand beside the URL, not in it")
    if refused := asked.options.keys() - OPTIONS:
        raise OptionError("is no option that a control takes", min(refused))
    pinned = {"addresses": list(asked.addresses), "lookup": True} if asked.addresses else {}
    takes = not asked.url.lower().lstrip().startswith("dns:")
    aim = parse_target(asked.url, {**asked.options, **(pinned if takes else {})})
    transfer = getattr(aim.check, "transfer", None)
    if transfer is not None and transfer > MAX_TRANSFER:
        check: Any = aim.check
        aim = dataclasses.replace(aim, check=dataclasses.replace(check, transfer=MAX_TRANSFER))
    return aim


def with_own(asked: Check, own: Check) -> Check:
    """The check that was asked for, with everything that no question holds from the control's own
    one for this target: its keys and passwords, and what goes with them.

    Its addresses are the control's own too, or whoever asks could have a password sent to another
    machine. Where another server is to be believed than by the control's own, no secret is used.
    """
    given: Any = asked
    names = {option.name for option in dataclasses.fields(given)}
    if any(getattr(asked, name) != getattr(own, name) for name in names & _TRUST):
        return asked
    others = names - OPTIONS - _ASKED
    changed: Check = dataclasses.replace(given, **{name: getattr(own, name) for name in others})
    return changed


def write_questions(asked: Sequence[Question]) -> bytes:
    """The body of a request to measure."""
    return msgspec.json.encode({"targets": [each.as_json() for each in asked]})


def read_questions(body: bytes) -> tuple[Question, ...]:
    """Read the body of a request to measure; at least one target, at most ``MAX_TARGETS``."""
    if len(body) > MAX_BODY:
        raise ValueError(f"larger than {MAX_BODY} bytes")
    value = decoded(body, dict[str, Any])
    targets = value.get("targets")
    if value.keys() != {"targets"} or not isinstance(targets, list):
        raise ValueError("expected an object with the one key 'targets', a list")
    if not 1 <= len(targets) <= MAX_TARGETS:
        raise ValueError(f"targets: from 1 to {MAX_TARGETS} of them")
    asked = []
    for index, target in enumerate(targets):
        try:
            asked.append(Question.from_json(target))
        except ValueError as exc:
            raise ValueError(f"targets[{index}]: {exc}") from None
    return tuple(asked)


def _bare_url(check: Any) -> str:
    host = f"[{check.host}]" if ":" in check.host else check.host
    where = host if check.port == check.default_port else f"{host}:{check.port}"
    return f"{check.name}://{where}{getattr(check, 'path', '')}"


def _plain(value: JSON) -> JSON:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json", exclude_defaults=True)
    return list(value) if isinstance(value, tuple) else value

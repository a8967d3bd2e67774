"""A service in sum, in a sentence that can be quoted and says no more than was looked at.

    WhatsApp from CN, AS4134: text connects (handshake only); media blocked (tls.reset.sni, 5 of 5
    targets, control ok) [2017-07-18 08:00 UTC]

What answered is never said to work: an answer to one small request is told as that, and only a
transfer shows that data passes.
"""

from collections.abc import Mapping
from typing import Final, TextIO

from rich.text import Text

from probe.core.model import JSON, Covered, Outcome, Vantage
from probe.core.times import rfc3339
from probe.judge.service import Failing, InSum, Part
from probe.show.tabular import console_for
from probe.show.terminal import safe

_AS_FAR_AS: Final[dict[Covered, str]] = {
    "lookup": "has a name that resolves (nothing more was asked)",
    "handshake": "connects (handshake only)",
    "response": "answers (first response only)",
    "transfer": "transfers data",
}
_AS_FAR_AS_MANY: Final[dict[Covered | None, str]] = {
    "lookup": "have names that resolve (nothing more was asked)",
    "handshake": "connect (handshake only)",
    "response": "answer (first response only)",
    "transfer": "transfer data",
    None: "did not fail",
}
_SAID: Final[dict[Outcome, str]] = {
    "ok": "ok",
    "blocked": "blocked",
    "degraded": "degraded",
    "denied": "refused by the server itself",
    "down": "down, elsewhere too",
    "unreachable": "unreachable, blocked or down: nothing tells which",
    "inconclusive": "inconclusive",
    "offline": "not measured: the vantage had no working network",
    "invalid": "not measured: an error of the probe's own",
}
# Of these a control's word says something; of the others it is in the outcome already.
_WITH_CONTROL: Final = frozenset({"blocked", "degraded", "denied", "unreachable", "inconclusive"})


def sentence(found: InSum, titles: Mapping[str, str]) -> str:
    """The sentence; ``titles`` has the names of services that people know them by."""
    outcomes = {part.outcome for part in found.features}
    if outcomes <= {"offline"}:
        parts = _SAID["offline"]
    else:
        parts = "; ".join(_part(part) for part in found.features)
    name = titles.get(found.service, found.service)
    return f"{name} from {place(found.vantage)}: {parts} [{found.at:%Y-%m-%d %H:%M} UTC]"


def say(found: InSum, titles: Mapping[str, str], out: TextIO) -> None:
    """Print the sentence after a blank line, for a terminal of 80 columns."""
    out.write("\n")
    console_for(out).print(Text(safe(sentence(found, titles)), overflow="fold"))


def place(vantage: Vantage) -> str:
    """Country and network; the vantage's own name where neither is known."""
    known = [vantage.country] if vantage.country != "ZZ" else []
    known += [f"AS{vantage.asn}"] if vantage.asn else []
    return ", ".join(known) or f"the vantage {vantage.id}"


def as_data(found: InSum, titles: Mapping[str, str]) -> dict[str, JSON]:
    """The same for programs, with the sentence."""
    return {
        "service": found.service,
        "at": rfc3339(found.at),
        "sentence": sentence(found, titles),
        "features": [
            {
                "feature": part.feature,
                "outcome": part.outcome,
                "mechanism": part.mechanism,
                "covered": part.covered,
                "policy": part.policy,
                "members": {"ok": part.ok, "failed": part.failed},
                "any_ok": part.any_ok,
                "all_ok": part.all_ok,
                "control": part.control,
            }
            for part in found.features
        ],
    }


def _part(part: Part) -> str:
    total = part.ok + part.failed
    if part.outcome == "ok":
        told = f"{part.feature} {_AS_FAR_AS[part.covered]}"
        if part.all_ok:
            return told
        return f"{told}, but only {part.ok} of {total} targets do: {_and(part.failing)}"
    alike, apart = _alike(part)
    within = [part.mechanism] if part.mechanism and alike else []
    within += [f"{alike or part.failed} of {total} targets"] if total > 1 else []
    within += [_control(part.control)] if part.outcome in _WITH_CONTROL else []
    told = f"{part.feature} {_SAID[part.outcome]}"
    told += f" ({', '.join(within)})" if within else ""
    if apart:
        told += f", {_and(apart)}" if alike else f": {_and(apart)}"
    return told + _while(part)


def _alike(part: Part) -> tuple[int, tuple[Failing, ...]]:
    """How many targets failed as the feature did, by the mechanism that is told; and the rest.

    None did where only all of them together break the policy. Without verdicts on the targets all
    that failed are counted.
    """
    same = [f for f in part.failing if (f.outcome, f.mechanism) == (part.outcome, part.mechanism)]
    if not part.failing:
        return part.failed, ()
    return sum(f.count for f in same), tuple(f for f in part.failing if f not in same)


def _while(part: Part) -> str:
    """What is known of the targets that are ok, while the feature is not."""
    if not part.any_ok:
        return ""
    if part.ok > 1:
        return f", while the other {part.ok} {_AS_FAR_AS_MANY[part.others]}"
    one = _AS_FAR_AS[part.others] if part.others else _AS_FAR_AS_MANY[None]
    return f", while the other one {one}"


def _control(outcome: Outcome | None) -> str:
    if outcome is None:
        return "no word of a control"
    return "control ok" if outcome == "ok" else f"control {outcome}"


def _and(failing: tuple[Failing, ...]) -> str:
    told = (f"{f.count} {f.outcome}{f' ({f.mechanism})' if f.mechanism else ''}" for f in failing)
    return ", ".join(told) or "the others not"

"""What resolvers answered, and whether an answer was forged.

Comparing addresses alone was wrong in 72 % of its detections (censoredplanet.org/certainty): an
answer is called forged only if it cannot be genuine, is a known forgery, or leads to a host that
cannot prove the name although the control's answer leads to one that can, from this very line.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from probe.core import failure
from probe.core.address import is_local
from probe.core.model import UNKNOWN_COUNTRY, Measurement, Step
from probe.judge import followups
from probe.judge.certificates import by_common_trust, proves
from probe.judge.controls import Seen, valid
from probe.judge.deciding import EXTRA_ANSWER, HANDSHAKES
from probe.judge.decoy import of_kind, succeeded
from probe.judge.evidence import Evidence, ip_of
from probe.judge.vantage import wildcard_addresses

_ADDRESSES: Final = {"A", "AAAA"}
_NOWHERE: Final = frozenset({"0.0.0.0", "127.0.0.1", "::", "::1"})  # noqa: S104  (not bound to)
_CERTIFICATE: Final = {failure.AUTHORITY, failure.HOSTNAME}
# An honest proxy answers for every name, and a lost datagram would make it look like an injector:
# so many neutral queries, before and between those for the name, must all stay unanswered.
NEUTRALS: Final = 3
NAMED: Final = 2  # and so many for the name be answered


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer to one query: its addresses, and whether it came after another."""

    transaction: int
    addresses: frozenset[str]
    rcode: str | None
    extra: bool


def answers(measurement: Measurement) -> tuple[Answer, ...]:
    """Every answer of every resolver that could be read."""
    return tuple(
        Answer(
            transaction=step.transaction,
            addresses=_addresses(step),
            rcode=step.detail.get("rcode"),
            extra=step.op == EXTRA_ANSWER,
        )
        for step in measurement.steps
        if step.op in {"resolve", EXTRA_ANSWER}
        and not step.detail.get("wrong_id")
        and ("answers" in step.detail or "rcode" in step.detail)
    )


def addresses(measurement: Measurement) -> frozenset[str]:
    """All addresses that were answered."""
    return frozenset(ip for answer in answers(measurement) for ip in answer.addresses)


def taken(measurement: Measurement) -> frozenset[str]:
    """The addresses that a program would use: those of the first answer to each query."""
    found = answers(measurement)
    return frozenset(ip for answer in found if not answer.extra for ip in answer.addresses)


def differing(measurement: Measurement) -> bool:
    """Whether two answers to one query hold different addresses, or only one of them holds any."""
    found = answers(measurement)
    return any(
        extra.addresses != first.addresses
        for extra in found
        if extra.extra
        for first in found
        if first.transaction == extra.transaction and not first.extra
    )


def two_answers(evidence: Evidence) -> frozenset[str]:
    """The forged addresses among answers to one query that differ; empty if none is forged.

    A duplicate or a rotated list differs in nothing, or in addresses that prove the name (Duan et
    al. 2012: two differing replies are nearly absent from 26.9 million normal transactions).
    """
    forged: set[str] = set()
    found = answers(evidence.trial)
    for extra in (answer for answer in found if answer.extra):
        for first in found:
            if first.transaction == extra.transaction and not first.extra:
                differing = first.addresses ^ extra.addresses
                forged |= {ip for ip in differing if is_forged(evidence, ip)}
    return frozenset(forged)


def is_forged(evidence: Evidence, ip: str) -> bool:
    """Whether this address is in no honest answer for this name.

    A wrong certificate there says so only where another address proves the name: a server whose
    own certificate is wrong shows it at each of its addresses.
    """
    if ip in wildcard_addresses(evidence.anchors):
        return False  # what this resolver gives for every name that does not exist
    if evidence.odd(ip):
        return True
    return _certificate(evidence, ip) is False and _proven(evidence)


def answered_by_nobody(evidence: Evidence) -> frozenset[str] | None:
    """What a host that is no resolver "answered" for the name, again and again, while neutral
    names sent there stayed unanswered each time; None if it did not. Empty where the forged
    answers hold no address."""
    neutral = of_kind(evidence, followups.NEUTRAL_AT_NON_RESOLVER)
    if len(neutral) < NEUTRALS or any(map(answers, neutral)):
        return None
    named = [m for m in of_kind(evidence, followups.NAME_AT_NON_RESOLVER) if answers(m)]
    if len(named) < NAMED:
        return None
    return frozenset(ip for measurement in named for ip in addresses(measurement))


def only_forged_tried(evidence: Evidence) -> bool:
    """Whether the failure is one of the lookup: nothing was dialled but what was forged.

    What a lookup is alone for stands for what would be dialled.
    """
    if evidence.decided is None or (evidence.decided.lookup and not evidence.succeeded):
        return True
    forged = two_answers(evidence) | (answered_by_nobody(evidence) or frozenset())
    lookup_alone = evidence.trial.check == "dns"
    tried = taken(evidence.trial) if lookup_alone else {ip_of(a) for a in evidence.tried}
    return bool(tried) and all(ip in forged or is_forged(evidence, ip) for ip in tried)


def elsewhere(evidence: Evidence) -> bool:
    """Whether the answers here and those at every control that counts have no address in common."""
    here = {ip_of(address) for address in evidence.tried} or addresses(evidence.trial)
    there = [control_answers(control) for control in valid(evidence)]
    return bool(here) and bool(there) and all(found and not found & here for found in there)


def control_answers(control: Seen) -> frozenset[str]:
    """The addresses that a control's own resolvers gave."""
    return addresses(control.measurement)


def misled(evidence: Evidence) -> bool:
    """Whether the addresses answered here cannot prove the name, and the control's can, from here.

    So the line and the server are in order, and only the answers are not.
    """
    here = {ip_of(address) for address in evidence.tried} or addresses(evidence.trial)
    good = [
        measurement
        for measurement in of_kind(evidence, followups.CERTIFICATE_AT_CONTROL_ANSWER)
        if succeeded(measurement) and any(map(_proves, measurement.steps))
    ]
    return (
        bool(here)
        and bool(good)
        and all(is_forged(evidence, ip) for ip in here)
        and elsewhere(evidence)
    )


def only_impossible(evidence: Evidence) -> bool:
    """Whether nothing but impossible or known forged addresses was answered for a public name."""
    here = {ip_of(address) for address in evidence.tried} or addresses(evidence.trial)
    wildcards = wildcard_addresses(evidence.anchors)
    asked = bool(addresses(evidence.trial)) and not evidence.local
    return asked and bool(here) and all(evidence.odd(ip) and ip not in wildcards for ip in here)


def filtered_at_home(evidence: Evidence) -> bool:
    """Whether resolvers in the vantage's own network, and only they, gave addresses that lead
    nowhere: a household's filter answers so, and nothing else tells it from a provider's."""
    country = evidence.trial.vantage.country
    here = addresses(evidence.trial)
    known = any(evidence.knowledge.forged(ip, country) for ip in here)
    if not here or not here <= _NOWHERE or (known and country != UNKNOWN_COUNTRY):
        return False
    return all(
        step.address is None or is_local(ip_of(step.address))
        for step in evidence.trial.steps
        if step.op == "resolve" and _addresses(step)
    )


def injection(evidence: Evidence, forged: frozenset[str]) -> str:
    """The node for forged answers: of addresses that can serve nobody, or of others."""
    known = [evidence.knowledge.forged(ip, evidence.trial.vantage.country) for ip in forged]
    if any(entry is not None and entry.blockpage for entry in known):
        return "dns.injection.blockpage"
    if forged and all(evidence.odd(ip) for ip in forged):
        return "dns.injection.bogon"
    return "dns.injection.other"


def _certificate(evidence: Evidence, ip: str) -> bool | None:
    """Whether a host at this address proved the name, in any handshake here or at a control.

    Only a wrong certificate speaks against an answer: a host that is merely silent or closed may
    be a genuine one that is down. So may one that shows another than the target's own ``pin``.
    """
    steps = [step for step in _handshakes(evidence) if ip_of(step.address) == ip]
    if any(map(_proves, steps)):
        return True
    wrong = any(step.failure in _CERTIFICATE and by_common_trust(step) for step in steps)
    return False if wrong else None


def _proven(evidence: Evidence) -> bool:
    """Whether any address at all proved the name."""
    return any(map(_proves, _handshakes(evidence)))


def _proves(step: Step) -> bool:
    return step.op in HANDSHAKES and proves(step)


def _handshakes(evidence: Evidence) -> Iterator[Step]:
    """Those for the target's name, here and at the controls that count."""
    looked = (
        *of_kind(evidence, followups.CERTIFICATE_AT_ANSWER),
        *of_kind(evidence, followups.CERTIFICATE_AT_CONTROL_ANSWER),
        *evidence.trials,
        *(control.measurement for control in valid(evidence)),
    )
    for measurement in looked:
        for step in measurement.steps:
            if step.op in HANDSHAKES and not step.detail.get("resolver"):
                yield step


def _addresses(step: Step) -> frozenset[str]:
    found = step.detail.get("answers") or ()
    return frozenset(
        ip_of(f"{a['data']}:0")
        for a in found
        if isinstance(a, dict) and a.get("type") in _ADDRESSES and isinstance(a.get("data"), str)
    )

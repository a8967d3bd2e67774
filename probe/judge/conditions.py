"""The conditions of the rule table that need more than a word."""

from collections.abc import Iterable
from typing import Final

from probe.core import failure
from probe.core.model import UNKNOWN_COUNTRY, Measurement
from probe.judge import (
    answers,
    by_name,
    certificates,
    content,
    controls,
    decoy,
    deepest,
    transfers,
)
from probe.judge.deciding import HANDSHAKES
from probe.judge.evidence import Evidence
from probe.judge.knowledge import bogon
from probe.judge.vantage import wildcard_addresses

_SILENT: Final = {failure.TIMEOUT, failure.KERNEL_TIMEOUT}
# The resolver tried and could not find out, or sent something unusable: that can be the trouble of
# the name's own servers, which may also shut out the resolver's country.
_RESOLVER_TROUBLE: Final = {
    failure.SERVFAIL,
    failure.DNS_TEMPORARY,
    failure.DNS_MISBEHAVING,
    "dns_non_recoverable_failure",
}
# What a resolver says of one name. It may be closed to us, or dead, where it says nothing else.
_OF_THE_NAME: Final = {None, failure.NXDOMAIN, failure.NO_ANSWER}


def failed(evidence: Evidence) -> bool:
    """Whether the check did not do what it is for."""
    return evidence.failure is not None


def doubtful(evidence: Evidence) -> bool:
    """Whether it failed, or succeeded in a way that anyone on the path could have arranged."""
    return failed(evidence) or (evidence.succeeded and evidence.unproven)


def answered(evidence: Evidence) -> bool:
    """A success that proves itself, or that nothing speaks against."""
    if not evidence.succeeded:
        return False
    if evidence.trial.check == "dns":
        return not _dns_doubted(evidence)
    if not evidence.unproven:
        return True
    return evidence.trial.check != "http" and not _unverified(evidence) and not _lured(evidence)


def answered_unverified(evidence: Evidence) -> bool:
    """Content came, from whomever."""
    return evidence.succeeded and not _lured(evidence) and not _dns_doubted(evidence)


def _lured(evidence: Evidence) -> bool:
    """Whether it answered at an address that can serve no public name, though it has others.

    Names of a local network lead to such addresses too, but those no control reaches.
    """
    return evidence.at_forged and controls.all_ok(evidence)


def _unverified(evidence: Evidence) -> bool:
    steps = evidence.decided.steps if evidence.decided else ()
    switched_off = (s.op in HANDSHAKES and not s.detail.get("verify", True) for s in steps)
    return evidence.unproven and any(switched_off)


def _dns_doubted(evidence: Evidence) -> bool:
    """Whether a lookup's success rests on forged answers: on known ones, or on such as can serve
    no public name while the controls are given others."""
    found = answers.taken(evidence.trial)
    if evidence.trial.check != "dns" or not found:
        return False
    shown = answers.two_answers(evidence) or answers.answered_by_nobody(evidence) is not None
    if shown and answers.only_forged_tried(evidence):
        return True
    country = evidence.trial.vantage.country
    if found <= wildcard_addresses(evidence.anchors):
        return True  # what this resolver gives for every name that does not exist
    known = country != UNKNOWN_COUNTRY
    # A name of a local network leads to such an address too: what some country forges says
    # nothing where the country is not known.
    if all(evidence.knowledge.forged(ip, country) and (known or not bogon(ip)) for ip in found):
        return True
    given = controls.all_ok(evidence) and answers.elsewhere(evidence)
    return given and all(answers.is_forged(evidence, ip) for ip in found)


def cut_off(evidence: Evidence) -> bool:
    """The measurement ended before it had come to anything."""
    return (
        evidence.failure == failure.INTERRUPTED
        or evidence.decided is None
        or (evidence.decided.failed is None and not evidence.decided.succeeded)
    )


def known_page(evidence: Evidence) -> bool:
    """The page is a known block page."""
    return content.known_page(evidence) is not None


def page_at_decoy(evidence: Evidence) -> bool:
    """The decoy's page was replaced under this name."""
    return doubtful(evidence) and decoy.foreign_page(evidence) is not None


def from_nobody(evidence: Evidence) -> bool:
    """A host that is no resolver "answered" for this name, and the lookup is what went wrong."""
    shown = answers.answered_by_nobody(evidence) is not None
    return doubtful(evidence) and shown and answers.only_forged_tried(evidence)


def two_answers(evidence: Evidence) -> bool:
    """Two answers differ, one is forged, and nothing but forged addresses was tried."""
    forged = answers.two_answers(evidence)
    return doubtful(evidence) and bool(forged) and answers.only_forged_tried(evidence)


def misled(evidence: Evidence) -> bool:
    """Only the answers are wrong: the control's addresses work from here."""
    return doubtful(evidence) and controls.all_ok(evidence) and answers.misled(evidence)


def compared(evidence: Evidence) -> bool:
    """Whether every control that counts is fine, and enough trials went alike."""
    return controls.all_ok(evidence) and evidence.confirmed


def mitm_at_decoy(evidence: Evidence) -> bool:
    """The decoy's certificate was replaced under this name."""
    shown = decoy.foreign_certificate(evidence) is not None
    return shown and (certificates.refused(evidence) or certificates.private_authority(evidence))


def reply_at_decoy(evidence: Evidence) -> bool:
    """The handshake drew no answer of the target's here, and at the decoy, under this name, none
    of the decoy's."""
    return by_name.answered(evidence) is not None and decoy.foreign_reply(evidence)


def unreachable_at_controls_too(evidence: Evidence) -> bool:
    """Every control that counts fails, and not in a way that a censor there explains as well."""
    if not controls.all_failed(evidence):
        return False
    cleared = decoy.sni_clean(evidence) or decoy.host_clean(evidence)
    return cleared or not controls.fail_alike(evidence)


def other_addresses(evidence: Evidence) -> bool:
    """The controls reached it, but at none of the addresses that failed here."""
    dialled = bool(evidence.tried)
    return dialled and not controls.same_place(evidence) and answers.elsewhere(evidence)


def resolver_trouble(evidence: Evidence) -> bool:
    """The lookup failed in a way that may be the fault of the name's own servers."""
    return evidence.failure in _RESOLVER_TROUBLE


def resolver_untested(evidence: Evidence) -> bool:
    """No resolver that was asked for the name said anything of it, nor of any neutral one, which
    the anchors ask for: it may be dead, closed, or out of reach, and no control has asked it."""
    if evidence.decided is None or not evidence.decided.lookup or evidence.succeeded:
        return False
    asked, known = _said(evidence.trials), _said(evidence.anchors)
    return not any((said | known.get(who, set())) & _OF_THE_NAME for who, said in asked.items())


def _said(measurements: Iterable[Measurement]) -> dict[str, set[str | None]]:
    """How the queries to each resolver ended."""
    found: dict[str, set[str | None]] = {}
    for step in (step for measurement in measurements for step in measurement.steps):
        if (who := step.detail.get("resolver")) and (step.op == "resolve" or step.failure):
            found.setdefault(who, set()).add(step.failure)
    return found


def lossy(evidence: Evidence) -> bool:
    """The line lost neutral twins now and then, or neutral queries, and the failure is silence."""
    return silent(evidence) and (decoy.bad_line(evidence) or _loses_queries(evidence))


def _loses_queries(evidence: Evidence) -> bool:
    """Whether the resolver that kept silent left some of the anchors' queries unanswered too.

    Nothing repeats a datagram that was lost: connections to the decoy would not show it.
    """
    if evidence.decided is None or not evidence.decided.lookup:
        return False
    asked = {
        step.detail.get("resolver")
        for trial in evidence.trials
        for step in trial.steps
        if step.op == "resolve" and step.failure in _SILENT
    }
    neutral = [
        step
        for anchor in evidence.anchors
        for step in anchor.steps
        if step.op == "resolve" and step.detail.get("resolver") in asked
    ]
    lost = sum(step.failure in _SILENT for step in neutral)
    return 0 < lost < len(neutral)


def denied(evidence: Evidence) -> bool:
    """The server itself, having proven its name or been reached under it, refuses only here."""
    proven = not evidence.unproven or decoy.host_clean(evidence)
    return proven and failed_expectation(evidence) and content.refused_only_here(evidence)


def failed_expectation(evidence: Evidence) -> bool:
    """The answer is not what the target expects; over plain HTTP, not what the controls got."""
    step = evidence.failed
    return (step is not None and step.op == "expect") or (
        step is None and evidence.trial.check == "http"
    )


def page_differs(evidence: Evidence) -> bool:
    """Over plain HTTP another page, or a refusal, and nobody knows whose it is."""
    if not doubtful(evidence) or not evidence.unproven or content.page(evidence) is None:
        return False
    replaced = doubtful(evidence) and decoy.foreign_page(evidence) is not None
    differs = content.differs_from_controls(evidence) or content.refused_only_here(evidence)
    return replaced or differs


def frozen(evidence: Evidence) -> bool:
    """Transfers stand still here and complete elsewhere."""
    return transfers.frozen_here(evidence)


def worth_asking(evidence: Evidence) -> bool:
    """Whether a control's answer could change anything: after a failure, and after a success that
    only a comparison can vouch for."""
    if not evidence.succeeded:
        return failed(evidence)
    compared = evidence.trial.check in {"http", "dns"} or evidence.at_forged
    return (
        compared
        or _unverified(evidence)
        or certificates.private_authority(evidence)
        or transfers.slow(evidence.trial)
    )


def settled(evidence: Evidence) -> bool:
    """Whether a success stands, now that the controls have been asked."""
    if not evidence.succeeded:
        return False
    if evidence.trial.check == "dns" and (
        answers.elsewhere(evidence) or answers.differing(evidence.trial)
    ):
        return False
    private = certificates.private_authority(evidence) and not certificates.same_leaf(evidence)
    plain = evidence.trial.check == "http" and content.unlike_controls(evidence)
    open_question = private or transfers.slow(evidence.trial) or plain or page_differs(evidence)
    return not open_question and (answered(evidence) or answered_unverified(evidence))


def silent(evidence: Evidence) -> bool:
    """Whether it failed by silence, which loss looks like as well."""
    return evidence.failure in _SILENT


def inside_handshake(evidence: Evidence) -> bool:
    """Whether it failed between the connection and the first answer, where names are read."""
    step = evidence.failed
    read = step is not None and step.op in HANDSHAKES
    return read and not deepest.inner(step)

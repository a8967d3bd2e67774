"""The target's name and a neutral one at the target's own address, in an order drawn by lot.

Whether it is the name that decides what answers there (``judge.by_name``). It is asked only where
the genuine server has just answered under the neutral name and nothing else has told what differs,
and given up at the first answer that says no. That the place may rest does not matter: where
anything stays blocked for every name, the neutral one does not meet the genuine server.
"""

import secrets
from collections.abc import Awaitable, Callable
from typing import Final

from probe.core.address import parse_endpoint
from probe.core.model import Measurement
from probe.judge import by_name, followups
from probe.judge.decoy import of_kind
from probe.judge.evidence import Evidence
from probe.judge.verdict import rule_for
from probe.measure import experiments as make
from probe.plan.jobs import Job

# What is told of a certificate or an answer that differs, while nothing shows that it was led here.
_OPEN: Final = {"certificate-differs", "reply-differs"}


async def by_turns(
    job: Job,
    evidence: Evidence,
    neutral_name: str,
    measured: Callable[[Job, str, int], Awaitable[Measurement]],
) -> None:
    """Handshakes under both names at the endpoint that failed."""
    step, name = by_name.handshake(evidence), make.server_name(job)
    if step is None or not step.address or step.detail.get("server_name") != name:
        return
    met = of_kind(evidence, followups.NEUTRAL_AT_TARGET)
    genuine = bool(met) and all(by_name.fits(evidence, measurement) for measurement in met)
    if not genuine or rule_for(evidence).id not in _OPEN:
        return
    kinds = {followups.NEUTRAL_AT_TARGET: neutral_name, followups.NAME_AT_TARGET: name}
    order = [kind for kind in kinds for _ in range(by_name.TIMES)]
    secrets.SystemRandom().shuffle(order)
    for turn, kind in enumerate(order, 1):
        made = make.named_at(job, parse_endpoint(step.address), kinds[kind])
        if not by_name.fits(evidence, await measured(made, kind, turn)):
            return

"""What targets and features are called before others: a private server's address stands in no
metric and no message."""

from collections.abc import Mapping
from typing import Final, NamedTuple

from probe.plan.jobs import Job, Plan

_LONGEST: Final = 200  # characters; a target without an id is called by its URL


class Name(NamedTuple):
    """A target, and what it is part of, as others may read it."""

    target: str
    service: str
    feature: str


class Names:
    """The names of a plan's targets; a target that is not in the plan has none."""

    def __init__(self, plan: Plan) -> None:
        """Private targets that are called by their address are counted instead: ``private-1``."""
        hidden: dict[str, str] = {}
        self._targets: dict[str, Name] = {}
        for job in plan.jobs:
            if job.private and _tells(job, job.target.id):
                hidden[job.target.id] = f"private-{len(hidden) + 1}"
        private = [job for job in plan.jobs if job.private]
        for job in plan.jobs:
            called = hidden.get(job.target.id, job.target.id[:_LONGEST])
            service = job.target.service[:_LONGEST]
            if job.private and _tells(job, service):
                service = called
            self._targets[job.target.id] = Name(called, service, job.target.feature[:_LONGEST])
        self._features: dict[tuple[str, str], Name] = {}
        for number, feature in enumerate(plan.features, 1):
            own = [job for job in private if job.target.id in feature.targets]
            tells = any(_tells(job, feature.service) for job in own)
            service = f"private-service-{number}" if tells else feature.service[:_LONGEST]
            self._features[feature.service, feature.feature] = Name(
                "", service, feature.feature[:_LONGEST]
            )

    @property
    def targets(self) -> Mapping[str, Name]:
        """By the targets' ids."""
        return self._targets

    @property
    def features(self) -> Mapping[tuple[str, str], Name]:
        """By service and feature; ``target`` is empty."""
        return self._features


def _tells(job: Job, text: str) -> bool:
    """Whether a name gives away where the server is."""
    host = getattr(job.check, "host", "")
    places = [host, *getattr(job.check, "addresses", ())]
    return text == job.target.url or any(place and place in text for place in places)

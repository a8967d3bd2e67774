"""A stored verdict with everything that it rests on, for whoever shows or judges it again."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from probe.core.model import Measurement, Verdict
from probe.judge.evidence import TRIALS, Evidence
from probe.judge.knowledge import Knowledge
from probe.record.objects import Objects


class Bodies(Mapping[str, bytes]):
    """Kept page texts by their SHA-256, read when they are asked for."""

    def __init__(self, root: Path) -> None:
        """Those of a results folder."""
        self._objects = Objects(root)

    def __getitem__(self, name: str) -> bytes:
        """The text. KeyError if it is gone or no longer what its name says."""
        try:
            return self._objects.get(name)
        except (OSError, ValueError):
            raise KeyError(name) from None

    def __iter__(self) -> Iterator[str]:
        """Nothing can be listed: names come from measurements."""
        return iter(())

    def __len__(self) -> int:
        """As many as ``iter`` gives."""
        return 0


def named(verdict: Verdict) -> tuple[str, ...]:
    """The ids of all measurements that a verdict rests on."""
    return (*verdict.evidence, *verdict.control.ids)


def evidence_of(
    verdict: Verdict,
    found: Mapping[str, Measurement],
    bodies: Mapping[str, bytes],
    knowledge: Knowledge,
) -> Evidence | None:
    """The evidence of a target's verdict; None when some of it is no longer there, or when no
    trial is among it."""
    ids = named(verdict)
    if verdict.target is None or any(id_ not in found for id_ in ids):
        return None
    evidence = Evidence.of(
        (found[id_] for id_ in ids),
        target=verdict.target,
        bodies=bodies,
        knowledge=knowledge,
        needed=verdict.trials.needed if verdict.trials else TRIALS,
    )
    return evidence if evidence.trials else None

"""Feature verdicts: one whenever all of a feature's targets have been measured again."""

from collections.abc import Callable, Sequence
from datetime import datetime

from probe.core.model import Verdict
from probe.judge.feature import judge_feature
from probe.plan.jobs import Feature


class FeatureRounds:
    """Follows target verdicts and gives the features' verdicts through ``record``.

    Targets may be measured at different intervals: a round ends when every target has been
    measured, or when one comes for the second time while another is still due. The newest verdict
    on each target counts.
    """

    def __init__(
        self,
        features: Sequence[Feature],
        record: Callable[[Verdict], None],
        now: Callable[[], datetime],
    ) -> None:
        """Start with no target measured."""
        self._features = features
        self._record = record
        self._now = now
        self._newest: dict[str, Verdict] = {}
        self._reported: dict[int, set[str]] = {index: set() for index in range(len(features))}

    def add(self, verdict: Verdict) -> None:
        """Take the verdict on a target; a feature's verdict may follow from it."""
        target = verdict.target
        if target is None:
            return
        concerned = [i for i, feature in enumerate(self._features) if target in feature.targets]
        for index in concerned:
            if target in self._reported[index]:
                self._end(index)
        self._newest[target] = verdict
        for index in concerned:
            self._reported[index].add(target)
            if len(self._reported[index]) == len(self._features[index].targets):
                self._end(index)

    def follow(self, features: Sequence[Feature]) -> None:
        """Other features from now on; what is known of their targets stays known."""
        begun = {self._features[i]: reported for i, reported in self._reported.items()}
        self._features = features
        self._reported = {i: begun.get(feature, set()) for i, feature in enumerate(features)}
        members = {target for feature in features for target in feature.targets}
        self._newest = {t: verdict for t, verdict in self._newest.items() if t in members}

    def finish(self) -> None:
        """End the rounds that have begun, as far as they have come."""
        for index, reported in self._reported.items():
            if reported:
                self._end(index)

    def _end(self, index: int) -> None:
        feature = self._features[index]
        known = [self._newest[target] for target in feature.targets if target in self._newest]
        self._reported[index] = set()
        verdict = judge_feature(feature.policy, known, self._now())
        self._record(verdict)

"""All scenarios under all settings, several times over, and how often the verdicts were right.

    python -m lab.score [--seeds N] [--setting ID …] [--write]

Needs root. Exit 1 if a claim of docs/accuracy.md does not hold: see ``Score.broken``.
"""

import argparse
import io
import os
import platform
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from lab.running import PROJECT
from lab.scenario import ACCUSING
from lab.settings import SETTINGS, Setting
from lab.world import Result, stage

from probe import __version__
from probe.cli.main import main as probe
from probe.judge.path_rules import PATH
from probe.judge.rules import RULES

# What proves itself without a control: law 2 of docs/verdicts.md.
PROOFS: Final = frozenset(rule.id for rule in PATH)
OUTCOMES: Final = (
    *("blocked", "degraded", "denied", "down", "unreachable"),
    *("inconclusive", "offline", "ok", "invalid"),
)
LEAST_OUTCOMES: Final = 0.99
LEAST_MECHANISMS: Final = 0.95
SEEDS: Final = 5
ACCURACY: Final = PROJECT / "docs" / "accuracy.md"
BEGIN, END = "<!-- figures: written by make lab -->", "<!-- end of figures -->"


def right_outcome(result: Result) -> bool:
    """Whether the outcome is one of those that are right."""
    if result.right is None:
        return not falsely_accused(result)
    return result.verdict.outcome in result.right.outcomes


def right_mechanism(result: Result) -> bool:
    """Whether somebody who interferes was found out in the right way."""
    return result.right is not None and result.verdict.mechanism == result.right.mechanism


def falsely_accused(result: Result) -> bool:
    """Whether it accuses where nobody interferes, or where nothing is proven."""
    verdict = result.verdict
    if verdict.outcome not in ACCUSING:
        return False
    if result.right is None:  # no control counts: somebody may interfere, but that takes a proof
        return verdict.rule not in PROOFS or not result.scenario.right.accuses
    return not result.right.accuses


@dataclass
class Score:
    """The results of many runs, and what they come to."""

    results: list[Result] = field(default_factory=list)
    recomputed: int = 0  # runs whose stored verdicts were all given again
    runs: int = 0

    def of(self, setting: str) -> list[Result]:
        """The results under one setting."""
        return [result for result in self.results if result.setting == setting]

    @property
    def interference(self) -> list[Result]:
        """Where somebody interferes and a control counts."""
        return [r for r in self.results if r.right is not None and r.right.accuses]

    @property
    def innocent(self) -> list[Result]:
        """Where nobody interferes, or nothing could prove it."""
        return [r for r in self.results if r.right is None or not r.right.accuses]

    @property
    def accused(self) -> list[Result]:
        """The false accusations."""
        return [result for result in self.results if falsely_accused(result)]

    def broken(self) -> Iterator[str]:
        """The claims that do not hold."""
        for result in self.accused:
            yield f"false accusation: {told(result)}"
        wrong = [r for r in self.interference if not right_outcome(r)]
        if len(wrong) > (1 - LEAST_OUTCOMES) * len(self.interference):
            yield f"interference: {len(wrong)} outcomes of {len(self.interference)} are wrong"
        vague = [r for r in self.interference if not right_mechanism(r)]
        if len(vague) > (1 - LEAST_MECHANISMS) * len(self.interference):
            yield f"interference: {len(vague)} mechanisms of {len(self.interference)} are wrong"
        if self.recomputed != self.runs:
            yield f"{self.runs - self.recomputed} runs are judged otherwise when judged again"


def told(result: Result) -> str:
    """One result in a line."""
    verdict = result.verdict
    node = f" {verdict.mechanism}" if verdict.mechanism else ""
    where = f"{result.setting} {result.scenario.id}, seed {result.seed}"
    return f"{where}: {verdict.outcome}{node} by {verdict.rule} ({verdict.note})"


def tables(score: Score) -> Iterator[str]:
    """The whole score as lines of Markdown."""
    yield "| setting | checks | right | mechanism right | false accusations |"
    yield "|---|---:|---:|---:|---:|"
    for setting in dict.fromkeys(result.setting for result in score.results):
        yield _row(setting, score.of(setting))
    yield _row("**all**", score.results)
    yield ""
    yield "Rows: what is right. Columns: what was said. With a control that counts."
    yield ""
    yield from _confusion(score)
    yield ""
    yield from _retrieval(score)


def _share(part: int, whole: int) -> str:
    return f"{part} of {whole}" if whole else "–"


def _row(name: str, results: Sequence[Result]) -> str:
    accusing = [r for r in results if r.right is not None and r.right.accuses]
    right = sum(map(right_outcome, results))
    mechanisms = sum(map(right_mechanism, accusing))
    false = sum(map(falsely_accused, results))
    mechanism = _share(mechanisms, len(accusing))
    return f"| {name} | {len(results)} | {_share(right, len(results))} | {mechanism} | {false} |"


def _confusion(score: Score) -> Iterator[str]:
    judged = [r for r in score.results if r.right is not None]
    said = [o for o in OUTCOMES if any(r.verdict.outcome == o for r in judged)]
    yield f"| | {' | '.join(said)} |"
    yield f"|---|{'---:|' * len(said)}"
    kinds = dict.fromkeys(_kind(r) for r in judged)
    for kind in sorted(kinds):
        counts = Counter(r.verdict.outcome for r in judged if _kind(r) == kind)
        yield f"| {kind} | {' | '.join(str(counts[o]) for o in said)} |"


def _kind(result: Result) -> str:
    """What is right, with the mechanism where somebody interferes."""
    right = result.right
    assert right is not None
    if right.accuses:
        return f"{right.outcomes[0]} `{right.mechanism}`"
    return " or ".join(sorted(right.outcomes))


def _retrieval(score: Score) -> Iterator[str]:
    """Precision and recall of accusations, and of each mechanism."""
    judged = [r for r in score.results if r.right is not None]
    yield "| mechanism | precision | recall |"
    yield "|---|---:|---:|"
    given = [r for r in judged if r.verdict.outcome in ACCUSING]
    true = [r for r in given if r.right and r.right.accuses]
    precision, recall = _share(len(true), len(given)), _share(len(true), len(score.interference))
    yield f"| any accusation | {precision} | {recall} |"
    for node in sorted({r.right.mechanism or "" for r in score.interference if r.right}):
        named = [r for r in given if r.verdict.mechanism == node]
        wanted = [r for r in score.interference if r.right and r.right.mechanism == node]
        hit = len([r for r in wanted if r in named])
        yield f"| `{node}` | {_share(hit, len(named))} | {_share(hit, len(wanted))} |"


def again(results: Path) -> bool:
    """Whether every stored verdict comes out the same when it is judged again."""
    with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
        return probe(["judge", "--recompute", "--dry-run", "--results", str(results)]) == 0


def measure(settings: Iterable[Setting], seeds: int, folder: Path) -> Score:
    """Run them all; progress goes to standard error."""
    score = Score()
    with stage(folder) as built:
        for setting in settings:
            for seed in range(seeds):
                began = time.monotonic()
                found, results = built.run(setting, seed)
                score.results += found
                score.runs += 1
                score.recomputed += again(results)
                wrong = [r for r in found if not right_outcome(r)]
                print(
                    f"{setting.id} {seed}: {len(found)} checks, {len(wrong)} wrong,"
                    f" {time.monotonic() - began:.0f} s",
                    file=sys.stderr,
                )
                for result in found:
                    named = result.right is not None and result.right.accuses
                    if not right_outcome(result) or (named and not right_mechanism(result)):
                        print(f"    {told(result)}", file=sys.stderr)
                shutil.rmtree(results)
    return score


def _write(text: str, seeds: int) -> None:
    """Put the figures between their marks, with when and how they came about."""
    before, _, rest = ACCURACY.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    how = f'{datetime.now(UTC):%Y-%m-%d}, `make lab LAB="--seeds {seeds} --write"`, '
    how += f"probe {__version__}, rules {RULES}, Linux {platform.release().split('-')[0]}, "
    how += f"Python {platform.python_version()}, {os.cpu_count()} cores."
    ACCURACY.write_text(f"{before}{BEGIN}\n\n{how}\n\n{text}\n\n{END}{after}")


def main() -> int:
    """Measure, print, and say whether the claims hold."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=SEEDS, help="runs of each setting")
    parser.add_argument("--setting", action="append", help="only this one; may be repeated")
    parser.add_argument("--write", action="store_true", help="put them into docs/accuracy.md")
    args = parser.parse_args()
    chosen = [s for s in SETTINGS if not args.setting or s.id in args.setting]
    with tempfile.TemporaryDirectory(prefix="probe-lab-") as folder:
        score = measure(chosen, args.seeds, Path(folder))
    text = "\n".join(tables(score))
    print(text)
    broken = list(score.broken())
    if args.write and not broken:
        _write(text, args.seeds)
    for claim in broken:
        print(f"BROKEN: {claim}")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())

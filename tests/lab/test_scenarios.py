"""Every rule proved by a censor on the path: all scenarios once, with short deadlines.

`make lab` runs them several times over and counts (score.py). Here no accusation may ever be false.
What else is wrong is measured again without the others: where many targets share a busy machine, a
server or a control may be late for its deadline, and that is not for the rules to make good.
"""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from lab.messenger import without
from lab.needed import laboratory
from lab.score import again, falsely_accused, right_mechanism, right_outcome, told
from lab.settings import SETTINGS, Setting
from lab.world import Result, Stage, stage

pytestmark = [pytest.mark.lab, laboratory]
CHOSEN = [setting for setting in SETTINGS if setting.in_tests]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with stage(tmp_path_factory.mktemp("lab")) as running:
        yield running


@pytest.mark.parametrize("setting", CHOSEN, ids=lambda setting: setting.id)
def test_verdicts_are_right_and_are_given_again(built: Stage, setting: Setting) -> None:
    wrong: list[Result] = []
    for attempt in range(3):
        results, folder = built.run(setting, attempt)
        assert [told(result) for result in results if falsely_accused(result)] == []
        assert again(folder)
        wrong = [result for result in results if not right(result)]
        if not wrong:
            return
        setting = replace(setting, scenarios=tuple(result.scenario for result in wrong))
    assert [told(result) for result in wrong] == []


@pytest.mark.parametrize("lost", [("media",), ("media", "registration")])
def test_the_day_on_which_whatsapp_lost_its_pictures(built: Stage, lost: tuple[str, ...]) -> None:
    found = built.messenger("-".join(("day", *lost)), *without(*lost))
    told = {name: (verdict.outcome, verdict.mechanism) for name, verdict in found.items()}
    for feature in ("text", "registration", "web", "media"):
        due = ("blocked", "tls.reset.sni") if feature in lost else ("ok", None)
        assert told[feature] == due, (feature, found[feature])


def right(result: Result) -> bool:
    """Whether the outcome is right, and the mechanism where somebody interferes."""
    accusing = result.right is not None and result.right.accuses
    return right_outcome(result) and (right_mechanism(result) or not accusing)

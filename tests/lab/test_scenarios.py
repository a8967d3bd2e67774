"""Every rule proved by a censor on the path: all scenarios once, with short deadlines.

`make lab` runs them several times over and counts (score.py). One failed scenario is a failed test
here: nothing in it is left to chance but what a bad line loses, and there every answer that accuses
nobody is right.
"""

from collections.abc import Iterator

import pytest
from lab.needed import laboratory
from lab.score import again, falsely_accused, right_mechanism, right_outcome, told
from lab.settings import SETTINGS, Setting
from lab.world import Stage, stage

pytestmark = [pytest.mark.lab, laboratory]
CHOSEN = [setting for setting in SETTINGS if setting.in_tests]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with stage(tmp_path_factory.mktemp("lab")) as running:
        yield running


@pytest.mark.parametrize("setting", CHOSEN, ids=lambda setting: setting.id)
def test_verdicts_are_right_and_are_given_again(built: Stage, setting: Setting) -> None:
    results, folder = built.run(setting, 0)
    assert [told(result) for result in results if falsely_accused(result)] == []
    assert [told(result) for result in results if not right_outcome(result)] == []
    found_out = [result for result in results if result.right and result.right.accuses]
    assert [told(result) for result in found_out if not right_mechanism(result)] == []
    assert again(folder)

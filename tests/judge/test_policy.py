"""probe.judge.policy: how many of a feature's targets must be ok."""

import pytest

from probe.judge.policy import Policy


@pytest.mark.parametrize(
    ("text", "needed"),
    [
        ("any", (1, 1, 1)),
        ("all", (1, 3, 16)),
        ("quorum 1", (1, 1, 1)),
        ("quorum 2", (1, 2, 2)),
        ("quorum 9", (1, 3, 9)),
    ],
)
def test_a_quorum_is_never_more_than_there_are(text: str, needed: tuple[int, ...]) -> None:
    policy = Policy.parse(text)
    assert policy.text == text
    assert tuple(policy.needed(members) for members in (1, 3, 16)) == needed


@pytest.mark.parametrize(
    "text",
    ["", "Any", "any ", "most", "quorum", "quorum 0", "quorum -1", "quorum 2 ", "quorum 1.5",
     "quorum 02", "quorum 10000", "quorum ²", "2"],
)  # fmt: skip
def test_anything_else_is_no_policy(text: str) -> None:
    with pytest.raises(ValueError, match="write any, all, or quorum and a number"):
        Policy.parse(text)

"""How many of a feature's targets must be ok for the feature to be ok."""

import re
from typing import NamedTuple


class Policy(NamedTuple):
    """``any`` (one suffices), ``all``, or ``quorum N`` (at least N)."""

    text: str
    quorum: int | None  # targets that must be ok; None means all of them

    @classmethod
    def parse(cls, text: str) -> "Policy":
        """Read a policy as files hold it. ValueError for anything else."""
        if text == "any":
            return cls(text, 1)
        if text == "all":
            return cls(text, None)
        if match := re.fullmatch(r"quorum ([1-9]\d{0,3})", text):
            return cls(text, int(match[1]))
        raise ValueError(f"'{text}' is no policy: write any, all, or quorum and a number")

    def needed(self, members: int) -> int:
        """How many of this many members must be ok."""
        return members if self.quorum is None else min(self.quorum, members)

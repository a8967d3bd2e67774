"""The rule table: what evidence means. The first rule that holds decides.

A rule's id is a public name and never changes its meaning: a new meaning is a new id. Whatever
changes a verdict on the same evidence raises ``RULES``. The order is the argument: what is ours,
what succeeded and what is the vantage's; then what the path itself proves; then what the controls
say. Proof from the path stands alone; everything else that accuses needs a control that counts.
"""

from typing import Final

from probe.judge.control_rules import CONTROLLED
from probe.judge.difference_rules import DIFFERENT
from probe.judge.own_rules import OWN
from probe.judge.path_rules import DECOY, PATH
from probe.judge.rule import Rule
from probe.judge.unsettled_rules import UNSETTLED

RULES: Final = 5
TABLE: Final[tuple[Rule, ...]] = (
    *OWN,
    *PATH,
    *DECOY,
    *UNSETTLED,
    *CONTROLLED,
    *DIFFERENT,
)

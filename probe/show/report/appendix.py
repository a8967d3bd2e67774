"""Methods and limits, as an appendix: what an answer rests on, and what it does not mean."""

from typing import Final

from probe.show.report.markup import Markup, element, joined

_METHODS: Final = (
    (
        "Cycle",
        (
            "One round of one check. It concludes something (ok; or blocked, degraded, denied, "
            "down, unreachable, which count as failing) or nothing (inconclusive, offline, "
            "invalid). What concludes nothing counts neither as working nor as failing nor as "
            "covered."
        ),
    ),
    (
        "Network",
        (
            "A country, an autonomous system and a kind of line. Several vantages on one network "
            "are one observer."
        ),
    ),
    (
        "Outcome",
        (
            "Blocked, degraded, denied and down need a control in another country that saw what "
            "the vantage did not, or proof from the path itself. Without either, a failure is "
            "unreachable, and accuses nobody."
        ),
    ),
    (
        "Window",
        (
            "From a report's earliest onset to its latest end, half-open; without an end, until "
            "the data ends. Before and after are as long as the window, between one day and seven."
        ),
    ),
    (
        "Covered",
        (
            "The share of the window in which a network concluded something; of several networks "
            "the best covered is shown."
        ),
    ),
    (
        "Failed before, during, after",
        (
            "Failures among the cycles that concluded something, with the 95 % Wilson score "
            "interval."
        ),
    ),
    (
        "Measured onset and end",
        (
            "Intervals: from the last cycle that surely worked as usual to the first that surely "
            "did not, by cumulative sums (Page 1954) against what is ordinary for that feature on "
            "that network. Across a gap such an interval is as wide as the gap."
        ),
    ),
    (
        "Measured after the report",
        (
            "The measured onset less the reported one, both being intervals: earliest and latest. "
            "Less than nothing is earlier than reported."
        ),
    ),
    (
        "Chance that another time fits as well",
        (
            "How often the same data shows as much when the reported window is moved to other "
            "times, and the same after the correction for many reports (Benjamini and Hochberg "
            "1995)."
        ),
    ),
    (
        "Contradicted",
        (
            "Asks for much: nearly complete coverage on every network that the report names, or on "
            "three where it names none, and networks such as people use. Servers in data centres "
            "and leased lines see less blocking, so they alone contradict nothing."
        ),
    ),
    (
        "Announcements, denials, statements",
        (
            "They are claims of their own: the data can support or contradict what they expect, or "
            "say nothing about it. It never says what somebody intended."
        ),
    ),
)
_LIMITS: Final = (
    (
        "A report is not truth, and neither is an answer. Sources disagree on dates, are denied, "
        "and are sometimes wrong; a measurement is one line in one place."
    ),
    (
        "A high share of failures is not a block. Only the outcome says whether a control stands "
        "behind it."
    ),
    (
        "No failures do not prove a report wrong. Blocking differs between cities, networks and "
        "hours."
    ),
    "Where nothing was measured, nothing is known. Gaps are drawn as gaps, and never as zero.",
    (
        "Intervals of shares take cycles for independent. Ten minutes later the same fault is "
        "usually still there: the truth is less sure."
    ),
    (
        "A share over a wide window is thin: good days that were counted in make a solid block "
        "look partial. Look at the timeline."
    ),
    (
        "Columns sum up: what was shorter than one column cannot be seen in a figure. The "
        "downloads and the stored results are finer."
    ),
    (
        "Durations are those of measurements that succeeded. Where much fails, they describe the "
        "lucky ones."
    ),
    (
        "Ok says how far the check went and no further: a handshake that works is not a picture "
        "that is sent."
    ),
    (
        "The page shows what the program found under its present rules. Stored measurements can be "
        "judged again, and outcomes may then differ."
    ),
)


def appendix() -> Markup:
    """How the figures come about, and what they do not mean."""
    return joined(
        element("h3", "Methods"),
        element(
            "dl",
            *(
                element("div", element("dt", name), element("dd", meaning))
                for name, meaning in _METHODS
            ),
            class_="methods",
        ),
        element("h3", "Limits"),
        element("ul", *(element("li", limit) for limit in _LIMITS)),
        element(
            "p",
            "Colours are those of Okabe and Ito, and each has a hatch or a sign beside it: the "
            "page can be read without colours, and in a grey print.",
        ),
    )

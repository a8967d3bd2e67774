"""What all tests share: a skipped test is a failure in CI, unless the kernel lacks something."""

import os
import signal

import pytest
from hypothesis import settings

KERNEL = "kernel: "  # a skip reason that begins so names a missing kernel feature

# The same examples on every run, however slow the machine is just then.
settings.register_profile("repeatable", derandomize=True, deadline=None, database=None)
settings.load_profile("repeatable")


# Started in the background of a script, the tests would hand "ignore Ctrl-C" to what they start.
signal.signal(signal.SIGINT, signal.default_int_handler)


# Files that take long by waiting. Begun first, they do not keep one process busy alone.
LONG = ("lab/test_scenarios.py",)


def pytest_collection_modifyitems(items):
    items.sort(key=lambda item: not item.path.as_posix().endswith(LONG))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    if report.skipped and os.environ.get("CI") == "true" and not hasattr(report, "wasxfail"):
        reason = str(report.longrepr[2]) if isinstance(report.longrepr, tuple) else ""
        if not reason.removeprefix("Skipped: ").startswith(KERNEL):
            report.outcome = "failed"
            report.longrepr = f"skipped in CI: {reason}"
    return report

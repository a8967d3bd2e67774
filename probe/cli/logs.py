"""What a running service says on standard error: lines for a person, or JSON for a collector.

Every record is one line. What is hostile in it is escaped, secrets are masked, and addresses that
are not in the configuration are taken out, the vantage's own above all.
"""

import json
import logging
import os
import sys
import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Final, TextIO

from probe.core.address import is_ip
from probe.core.masking import mask
from probe.core.scrub import Scrubber
from probe.core.times import rfc3339
from probe.show.terminal import safe

if TYPE_CHECKING:
    from probe.plan.jobs import Plan

_LONGEST: Final = 4000  # characters of one line's text
# syslog's severities (RFC 5424 section 6.2.1), as systemd-journald takes them before a line.
_SEVERITY: Final = {
    logging.DEBUG: 7,
    logging.INFO: 6,
    logging.WARNING: 4,
    logging.ERROR: 3,
    logging.CRITICAL: 2,
}


def one_line(text: str) -> str:
    """A text without secrets, on one line: fit for the log of a service that names addresses."""
    return safe(mask(text)[:_LONGEST])


class Cleaner:
    """Makes a text fit for a log. ``own`` are the vantage's addresses; it grows as they are
    learnt."""

    def __init__(self, shown: Iterable[str], own: set[str]) -> None:
        """``shown`` addresses stand in the configuration, and may stand in the log."""
        self._scrubber = Scrubber(shown)
        self._own = own
        self._hidden: set[str] = set()

    def show(self, addresses: Iterable[str]) -> None:
        """Let further addresses stand: a new configuration names them."""
        for ip in addresses:
            self._scrubber.keep(ip)

    def __call__(self, text: str) -> str:
        """The text without what nobody should read, on one line."""
        for ip in self._own - self._hidden:
            self._scrubber.hide(ip)
            self._hidden.add(ip)
        return one_line(self._scrubber.text(text))


def addresses_in(plan: "Plan") -> set[str]:
    """The addresses that a plan's configuration names."""
    checks = [job.check for job in (*plan.jobs, *plan.anchors)]
    found = {str(getattr(check, "host", "")) for check in checks}
    for check in checks:
        found.update(getattr(check, "addresses", ()))
    for job in plan.jobs:
        found.update(resolver.host for resolver in job.resolvers)
    return {text for text in found if is_ip(text)}


class _Formatter(logging.Formatter):
    def __init__(self, clean: Callable[[str], str], *, prefixed: bool) -> None:
        super().__init__()
        self._clean = clean
        self._prefixed = prefixed

    def format(self, record: logging.LogRecord) -> str:
        severity = _SEVERITY.get(record.levelno, 5)
        return (f"<{severity}>" if self._prefixed else "") + self._line(record)

    def _line(self, record: logging.LogRecord) -> str:
        raise NotImplementedError

    def _message(self, record: logging.LogRecord) -> str:
        return self._clean(record.getMessage())

    def _traceback(self, record: logging.LogRecord) -> list[str]:
        """The error's traceback, each line by itself; what it says comes last."""
        if not record.exc_info:
            return []
        return [self._clean(line) for line in self.formatException(record.exc_info).splitlines()]


class TextFormatter(_Formatter):
    """Time, level, message: 80 columns where the message allows it."""

    def _line(self, record: logging.LogRecord) -> str:
        at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(record.created))
        error = self._traceback(record)[-1:]
        return f"{at} {record.levelname:<7} {': '.join([self._message(record), *error])}"


class JsonFormatter(_Formatter):
    """One object to a line: ``at``, ``level``, ``logger``, ``message``, after an error
    ``traceback``."""

    def _line(self, record: logging.LogRecord) -> str:
        from datetime import UTC, datetime

        value: dict[str, object] = {
            "at": rfc3339(datetime.fromtimestamp(record.created, UTC)),
            "level": record.levelname.lower(),
            "logger": self._clean(record.name),
            "message": self._message(record),
        }
        if trouble := self._traceback(record):
            value["traceback"] = trouble
        return json.dumps(value)


def log_to_stderr(form: str, level: int, clean: Callable[[str], str]) -> None:
    """Send everything that is logged to standard error, in this form.

    ``auto`` is text on a terminal and JSON elsewhere. Where standard error is systemd's journal,
    each line says its severity first.
    """
    as_text = form == "text" or (form == "auto" and sys.stderr.isatty())
    made = TextFormatter if as_text else JsonFormatter
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(made(clean, prefixed=_is_journal(sys.stderr)))
    logging.basicConfig(level=level, handlers=[handler])


def _is_journal(stream: TextIO) -> bool:
    """Whether a stream is the one of which systemd says that it leads to the journal."""
    wanted = os.environ.get("JOURNAL_STREAM", "")
    try:
        status = os.fstat(stream.fileno())
    except (OSError, ValueError):
        return False
    return wanted == f"{status.st_dev}:{status.st_ino}"

"""Our own report files; unlike ``--reports``, one wrong report leaves the others alone."""

from collections.abc import Iterator

from probe.compare.importers.rows import Draft, FormatError, Imported, Row, imported, listed
from probe.compare.reports import LARGEST
from probe.core import strictyaml


def read(data: bytes, name: str) -> Imported:
    """The reports of one file. FormatError if it is no such file at all."""
    try:
        value = strictyaml.value(data, name, LARGEST)
    except strictyaml.ConfigError as exc:
        raise FormatError(exc.lines[0]) from None
    return imported(listed(value, "reports"), _drafts)


def _drafts(row: Row) -> Iterator[Draft]:
    yield dict(row)

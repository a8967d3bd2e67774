"""The formats that can be imported: a row each."""

from collections.abc import Callable, Mapping
from typing import Final

from probe.compare.importers import cenalert, ioda, ooni_findings, ours, radar, stop
from probe.compare.importers.rows import Imported

FORMATS: Final[Mapping[str, Callable[[bytes, str], Imported]]] = {
    "stop": stop.read,
    "ooni": ooni_findings.read,
    "radar": radar.read,
    "ioda": ioda.read,
    "cenalert": cenalert.read,
    "probe": ours.read,
}


def read(form: str, data: bytes, name: str) -> Imported:
    """The reports of a file in one of FORMATS; ``name`` is its name in messages.

    Raises FormatError where the whole file is not of this format.
    """
    return FORMATS[form](data, name)

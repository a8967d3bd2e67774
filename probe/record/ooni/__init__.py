"""OONI's JSON Lines in: other people's public measurements, where there was no vantage of ours."""

from probe.record.ooni.files import record_lines
from probe.record.ooni.reader import Found, Malformed, read_ooni

__all__ = ["Found", "Malformed", "read_ooni", "record_lines"]

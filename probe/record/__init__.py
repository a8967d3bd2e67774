"""Append-only results on disk: measurements, verdicts, events, and objects kept once."""

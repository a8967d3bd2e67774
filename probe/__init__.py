"""Measures whether VPN endpoints and messaging services can be reached, and says why not."""

__version__ = "0.1.0"

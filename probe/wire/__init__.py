"""Codecs: bytes to messages and back. No sockets, no clocks; hostile bytes are the normal case."""

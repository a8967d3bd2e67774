"""Reported disruptions as others publish them, one module per format; pure, bytes in."""

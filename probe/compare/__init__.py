"""Judged series held against reported disruptions; pure, without input or output."""

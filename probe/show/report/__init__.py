"""The page: one HTML file that holds what was reported against what was measured.

It works offline, runs no script and loads nothing. Every text goes through ``markup``, which knows
no way to write one unescaped.
"""

"""Tells somebody when a feature's outcome has changed and stays changed."""

"""The local page: what is measured now, and was in the last hours and days, for a browser."""

"""The scheduler that is started and forgotten."""

"""One job becomes one measurement; a round of a target becomes a cycle with its verdict."""

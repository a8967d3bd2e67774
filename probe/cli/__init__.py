"""One module per command: the only place where real network, clock and store are made."""

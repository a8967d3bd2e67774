"""The running probe, as Prometheus and those who look after it see it."""

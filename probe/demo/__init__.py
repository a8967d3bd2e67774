"""An embedded internet on loopback, measured by the very same checks."""

"""The control helper: the same checks from elsewhere, and servers to be asked things of."""

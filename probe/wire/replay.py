"""Numbered packets that came before: a window of bits over the newest ones, after RFC 6479."""


class ReplayWindow:
    """Which numbers were noted, of the ``size`` newest ones; what is older counts as noted."""

    def __init__(self, size: int) -> None:
        """Nothing came yet."""
        self._size = size
        self._highest, self._seen = -1, 0  # a bit for each of the numbers below the highest

    def came_before(self, number: int) -> bool:
        """Whether it did, or is too old for it to be known."""
        behind = self._highest - number
        return behind >= self._size or (behind >= 0 and bool(self._seen >> behind & 1))

    def note(self, number: int) -> None:
        """It came. To be called only of what was authentic: else anybody could move the window."""
        ahead = number - self._highest
        if ahead > 0:
            moved = self._seen << ahead if ahead < self._size else 0
            self._seen = (moved | 1) & ((1 << self._size) - 1)
            self._highest = number
        else:
            self._seen |= 1 << -ahead

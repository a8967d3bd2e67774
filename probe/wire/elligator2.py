"""Elligator 2 for Curve25519: public keys that look like random octets (RFC 9380, section 6.7.1).

Half of all keys have a representative, so keys are drawn until one has. In plain integers, which
take a different time for different keys: for keys that are used once and thrown away.
"""

from typing import Final

_P: Final = 2**255 - 19
_A: Final = 486662
_ROOT: Final = pow(2, (_P - 1) // 4, _P)  # of -1
_USED: Final = 2**254 - 1  # the two highest bits of a representative are anything


def _root(value: int) -> int | None:
    """A square root, the smaller of the two; None where there is none."""
    found = pow(value, (_P + 3) // 8, _P)
    if (found * found - value) % _P:
        found = found * _ROOT % _P
    return None if (found * found - value) % _P else min(found, _P - found)


def representative(public: bytes) -> bytes | None:
    """32 octets for a public key; None for the half of them that have none.

    The two highest bits stay 0, because older servers do not leave them out of account.
    """
    u = int.from_bytes(public, "little")
    if u % _P == 0 or (u + _A) % _P == 0:
        return None
    root = _root(-u * pow(2 * (u + _A), -1, _P) % _P)
    return None if root is None else root.to_bytes(32, "little")


def public_of(shown: bytes) -> bytes:
    """The public key that 32 octets stand for; every 32 octets stand for one."""
    r = int.from_bytes(shown, "little") & _USED
    w = -_A * pow(1 + 2 * r * r, -1, _P) % _P
    on_curve = pow(w * (w * w + _A * w + 1), (_P - 1) // 2, _P) in {0, 1}
    return (w if on_curve else (-w - _A) % _P).to_bytes(32, "little")

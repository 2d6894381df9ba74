"""The random numbers of a rule, and how late it makes an answer.

The one rule: a number depends on the seed of the plant, the name of the rule, the device and how many
requests the rule has seen for it, never on what else is going on; so the same requests to a device fail in
the same way on every run.
"""

from __future__ import annotations

import math

from simulator.generators.randomness import mix

_WORD = 0xFFFF_FFFF_FFFF_FFFF
_GOLDEN = 0x9E37_79B9_7F4A_7C15  # 2**64 / golden ratio, odd
_SHAPE = 3.0  # of the Pareto distribution: finite variance, a long tail
_MOST = 100.0  # times the jitter at the most, however long the tail


class Draws:
    """A stream of random numbers; the same ``key`` gives the same stream."""

    __slots__ = ("_state",)

    def __init__(self, key: int) -> None:
        self._state = key & _WORD

    def number(self) -> float:
        """The next one, 0 or more and less than 1."""
        return (self.word() >> 11) * 2.0**-53

    def word(self) -> int:
        """The next 64 bits."""
        self._state = (self._state + _GOLDEN) & _WORD
        return mix(self._state)

    def normal(self) -> float:
        """The next one of a normal distribution with mean 0 and deviation 1 (Box and Muller 1958)."""
        radius = math.sqrt(-2.0 * math.log(1.0 - self.number()))
        return radius * math.cos(2.0 * math.pi * self.number())

    def data(self, size: int) -> bytes:
        """The next ``size`` bytes."""
        return b"".join(self.word().to_bytes(8, "big") for _ in range((size + 7) // 8))[:size]


def lateness(delay: float, jitter: float, distribution: str, draws: Draws) -> float:
    """Seconds, 0 or more.

    ``uniform`` lies between delay - jitter and delay + jitter; ``normal`` and ``lognormal`` have the delay as
    mean and the jitter as standard deviation; with ``pareto`` the delay is the least and the jitter the mean
    of what comes on top, with a long tail.
    """
    if not jitter:
        return delay
    if distribution == "uniform":
        late = delay + jitter * (2.0 * draws.number() - 1.0)
    elif distribution == "normal":
        late = delay + jitter * draws.normal()
    elif distribution == "lognormal":
        variance = math.log1p((jitter / delay) ** 2)
        late = math.exp(math.log(delay) - variance / 2.0 + math.sqrt(variance) * draws.normal())
    else:
        late = delay + jitter * (_SHAPE - 1.0) * ((1.0 - draws.number()) ** (-1.0 / _SHAPE) - 1.0)
    return min(max(late, 0.0), delay + _MOST * jitter)

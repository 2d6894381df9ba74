"""Memory that is used again, so that a tick allocates nothing and works in the cache.

One rule: what ``take`` returns is yours until the same name is taken again.  One ``Scratch`` serves one
fleet; its samplers run one after the other, never at once.
"""

from __future__ import annotations

from typing import Any

import numpy as np


class Scratch:
    """Arrays by name; a name has the same dtype always."""

    __slots__ = ("_arrays",)

    def __init__(self) -> None:
        self._arrays: dict[str, np.ndarray] = {}

    def take(self, name: str, count: int, dtype: Any = np.float64) -> np.ndarray:
        """``count`` elements of the array called ``name``, with whatever they hold."""
        array = self._arrays.get(name)
        if array is None or len(array) < count:
            array = self._arrays[name] = np.empty(count, dtype)
        return array[:count]

"""What handles give back: things to be taken back, and expectations that were not met."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from simulator.expectations.checking import Outcome
    from simulator.faults.rule import Rule


class Unmet(AssertionError):
    """An expectation is not met; ``outcome`` has the requests that were meant."""

    def __init__(self, outcome: Outcome) -> None:
        self.outcome = outcome
        super().__init__(outcome.text)


class Temporary:
    """Something that was done, and is taken back by ``end``, or at the end of a ``with`` block."""

    def __init__(self, take_back: Callable[[], Any], done: Any = None) -> None:
        self._take_back: Callable[[], Any] | None = take_back
        self.done = done

    def end(self) -> None:
        """Take it back; doing it twice does nothing."""
        take_back, self._take_back = self._take_back, None
        if take_back is not None:
            take_back()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()


class Injected(Temporary):
    """A fault that was injected: ``name``, and how many requests it ``matched`` and was ``applied`` to."""

    done: Rule

    @property
    def name(self) -> str:
        """Its name among the faults of the plant."""
        return self.done.name

    @property
    def matched(self) -> int:
        """Requests that its ``when`` fitted."""
        return self.done.matched

    @property
    def applied(self) -> int:
        """Requests it was done to."""
        return self.done.applied

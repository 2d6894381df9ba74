"""Answers that come later: a function raises ``Later`` instead of returning a response.

``raise Later(deferred)`` inside a function, whose Deferred fires with the response PDU (empty for silence) or
fails with what a function would have raised.  Whoever serves the request sends the answer when it is there.
The one rule: nobody but who serves a request catches it.
"""

from __future__ import annotations

from typing import Any


class Later(Exception):
    """The answer comes later; ``answer`` is a Deferred of the response PDU."""

    def __init__(self, answer: Any) -> None:
        super().__init__("the answer comes later")
        self.answer = answer

"""When is a request worth another try?  The same answer for every face.

A server that refuses has answered.  What was not answered, or not rightly, is tried again ``retries`` times;
with ``retry_on_empty`` off, only where at least something came.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulator.errors import ConnectionClosed, ModsimError, ProtocolError, TimedOut

if TYPE_CHECKING:
    from simulator.client.options import Options


def worth_another_try(error: ModsimError, tried: int, options: Options) -> bool:
    """True when a request that was sent ``tried`` times and failed with ``error`` is to be sent again."""
    if tried > options.retries:
        return False
    if isinstance(error, TimedOut | ConnectionClosed):
        return options.retry_on_empty
    return isinstance(error, ProtocolError)

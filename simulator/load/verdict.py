"""Was the load generator itself the limit, and is the result within its thresholds?

A generator that has no time to spare measures itself.  Signs of it: the loop hardly ever waits, it did not
get the processor, or requests are sent later than they are due.  Each is said, whatever the numbers are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from simulator.load.swarm import Outcome

BUSY = 0.9  # share of time without waiting
STARVING = 0.7  # of a core: with less, what it lacks is not speed
WAITING = 0.3  # share of time without a core, from which on latencies are its own, too
LAG_MS = 10.0  # 99th percentile of what requests were sent late
KEPT_UP = 0.95  # of the rate asked for


def saturation(outcome: Outcome) -> str:
    """Why the load generator was the limit; "" when it was not."""
    if max(outcome.busy, outcome.cpu + outcome.starved) >= BUSY:
        if outcome.cpu < STARVING:
            return (
                f"it got {outcome.cpu:.0%} of a core and could have used more; other programs took the rest"
            )
        return f"it was busy {outcome.busy:.0%} of the time; use more processes or machines for more"
    if outcome.starved >= WAITING:
        return f"it waited {outcome.starved:.0%} of the time for a core that other programs had"
    lag_ms = outcome.tally.lag.percentile(99) / 1e6
    if lag_ms > LAG_MS:
        return f"1 % of the requests were sent {lag_ms:.1f} ms or more after they were due"
    return ""


def lagging(outcome: Outcome) -> str:
    """What to say when the server did not keep up with the rate asked for; "" when it did."""
    plan = outcome.plan
    if plan.rate is None or outcome.elapsed_s <= 0:
        return ""
    asked = plan.rate * plan.clients
    answered = outcome.answered / outcome.elapsed_s
    if answered >= KEPT_UP * asked:
        return ""
    return f"{answered:,.0f} answers a second, {asked:,.0f} were asked for"


def exceeded(outcome: Outcome, max_errors: float, max_p99_ms: float | None) -> list[str]:
    """Which thresholds the result exceeds: errors in percent of all requests, latency in ms."""
    tally = outcome.tally
    found = []
    tried = tally.answered + tally.failed
    share = 100 * tally.failed / tried if tried else 100.0
    if share > max_errors:
        found.append(f"errors are {share:.3g} %, expected at most {max_errors:g} %")
    p99 = tally.response.percentile(99) / 1e6
    if max_p99_ms is not None and p99 > max_p99_ms:
        found.append(f"99th percentile is {p99:.3g} ms, expected at most {max_p99_ms:g} ms")
    return found

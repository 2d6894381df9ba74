"""The result of a swarm in words for people and as an object for programs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from simulator.load import verdict
from simulator.load.histogram import Histogram

if TYPE_CHECKING:
    from simulator.load.plan import Plan
    from simulator.load.swarm import Outcome

PERCENTILES = (50.0, 75.0, 90.0, 95.0, 99.0, 99.9, 99.99)
BARS = 40
ROWS = 16  # of the histogram shown to people


def text(outcome: Outcome) -> str:
    """The whole result."""
    tally = outcome.tally
    rate = outcome.answered / outcome.elapsed_s if outcome.elapsed_s > 0 else 0.0
    lines = [
        f"target       {_targets(outcome.plan)}",
        f"load         {_load(outcome.plan)}",
        f"requests     {', '.join(map(str, outcome.plan.mix))}",
        f"measured     {outcome.elapsed_s:.2f} s" + (", interrupted" if outcome.interrupted else ""),
        f"connected    {outcome.connected} of {outcome.plan.clients} at the end",
        f"answers      {tally.answered:,} right, {rate:,.1f} a second",
        f"errors       {tally.failed:,}" + _share(tally.failed, tally.answered + tally.failed),
        *(f"  {count:>9,}  {kind}" for kind, count in tally.errors.most_common()),
    ]
    if tally.late:
        lines.append(f"late answers {tally.late:,} to requests that were given up")
    if tally.answered:
        lines += ["", *_latencies(outcome), "", *_bars(tally.response)]
    lines += ["", *_generator(outcome)]
    return "".join(line + "\n" for line in lines)


def as_data(outcome: Outcome) -> dict[str, Any]:
    """The whole result; latencies in milliseconds, with every bucket that is not empty."""
    plan, tally = outcome.plan, outcome.tally
    return {
        "targets": [str(target) for target in plan.targets[:1000]],
        "clients": plan.clients,
        "depth": plan.depth,
        "rate_per_client": plan.rate,
        "loop": "open" if plan.is_open else "closed",
        "mix": [vars_of(part) for part in plan.mix],
        "duration_s": outcome.elapsed_s,
        "interrupted": outcome.interrupted,
        "connected": outcome.connected,
        "sent": tally.sent,
        "answered": tally.answered,
        "answers_per_second": outcome.answered / outcome.elapsed_s if outcome.elapsed_s > 0 else 0.0,
        "bytes_received": tally.bytes_received,
        "failed": tally.failed,
        "errors": dict(tally.errors.most_common()),
        "late_answers": tally.late,
        "latency_ms": _latency(tally.response),
        "service_ms": _latency(tally.service),
        "histogram_ms": [[low / 1e6, high / 1e6, count] for low, high, count in tally.response.buckets()],
        "generator": {
            "busy": outcome.busy,
            "cpu": outcome.cpu,
            "starved": outcome.starved,
            "lag_p99_ms": tally.lag.percentile(99) / 1e6,
            "was_the_limit": bool(verdict.saturation(outcome)),
            "why": verdict.saturation(outcome),
        },
    }


def vars_of(part: Any) -> dict[str, int]:
    """A part of the mix as an object."""
    return {"function": part.function, "quantity": part.quantity, "weight": part.weight}


def _targets(plan: Plan) -> str:
    first, last = plan.targets[0], plan.targets[-1]
    return str(first) if len(plan.targets) == 1 else f"{first} to {last}, {len(plan.targets):,} in all"


def _load(plan: Plan) -> str:
    clients = f"{plan.clients:,} client{'' if plan.clients == 1 else 's'}"
    flight = f"up to {plan.depth} in flight each"
    if plan.rate is None:
        return f"{clients}, {flight}, each sends when an answer makes room (closed loop)"
    total = plan.rate * plan.clients
    return f"{clients}, {plan.rate:g} requests/s each, {total:,.0f} in all by the clock (open loop), {flight}"


def _share(part: int, whole: int) -> str:
    return f" of {whole:,}, {part / whole:.3%}" if part and whole else ""


def _latencies(outcome: Outcome) -> list[str]:
    tally, is_open = outcome.tally, outcome.plan.is_open
    head = ["latency      from when it was due", "from when it was sent"] if is_open else ["latency"]
    lines = [f"{head[0]:<36}{head[1]}" if is_open else head[0]]
    rows = [("least", tally.response.smallest, tally.service.smallest)]
    rows += [
        (f"{share:g} %", tally.response.percentile(share), tally.service.percentile(share))
        for share in PERCENTILES
    ]
    rows.append(("most", tally.response.largest, tally.service.largest))
    for name, due, sent in rows:
        lines.append(f"  {name:<9}  {_ms(due):>12}" + (f"{_ms(sent):>23}" if is_open else ""))
    return lines


def _ms(nanoseconds: int) -> str:
    return f"{nanoseconds / 1e6:.3f} ms"


def _bars(histogram: Histogram) -> list[str]:
    """The histogram in steps of powers of two."""
    steps: dict[int, int] = {}
    for low, _, count in histogram.buckets():
        steps[low.bit_length()] = steps.get(low.bit_length(), 0) + count
    most = max(steps.values())
    wanted = range(min(steps), max(steps) + 1)
    lines = [
        f"  {_ms(1 << bits - 1 if bits else 0):>12} to {_ms(1 << bits):>12}  {steps.get(bits, 0):>10,}  "
        f"{'#' * round(BARS * steps.get(bits, 0) / most)}".rstrip()
        for bits in wanted
    ]
    return lines[:ROWS] if len(lines) > ROWS else lines


def _generator(outcome: Outcome) -> list[str]:
    lines = [f"generator    busy {outcome.busy:.0%} of the time, {outcome.cpu:.0%} of a core"]
    if outcome.starved >= 0.01:
        lines[0] += f" and {outcome.starved:.0%} of the time waiting for one"
    if outcome.plan.is_open:
        lines[0] += f", requests sent {_ms(outcome.tally.lag.percentile(99))} late or less (99 %)"
    why = verdict.saturation(outcome)
    if why:
        lines.append(f"             the load generator was the limit: {why}")
    behind = verdict.lagging(outcome)
    if behind and not why:
        lines.append(f"             the server did not keep up: {behind}")
    return lines


def _latency(histogram: Histogram) -> dict[str, float]:
    found = {f"p{share:g}": histogram.percentile(share) / 1e6 for share in PERCENTILES}
    return {
        "min": histogram.smallest / 1e6,
        "mean": histogram.mean / 1e6,
        **found,
        "max": histogram.largest / 1e6,
    }

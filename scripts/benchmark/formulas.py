"""Scenario: points that follow from others, on 100 000 devices.

Every device has a temperature that walks and ten points at 1 Hz that are computed from it: by a formula
over a parameter, a signal and the temperature, or by lag, integrate, follow or pid.  What an update costs is
the CPU time of the server above that of the same plant without the ten points, over the updates.
"""

from __future__ import annotations

from contextlib import ExitStack
from statistics import median

from .bars import FORMULAS, Outcome, Row, Table
from .comparing import Pace, progress
from .ours import start_plant
from .plants import Plant, crowd
from .processes import StartError
from .workshop import Workshop

DEVICES = 100_000
POINTS = 10
ENDPOINT = "tcp://127.64.0.0/12:16540"
SIGNALS = "signals:\n  irradiance: {type: sine, min: 0, max: 1000, period: 600s}\n"
WALK = """\
      temp: {table: input_register, address: 0, data_type: float32, generator: {type: random_walk, initial: 25, step: 0.1, min: -20, max: 80}}
"""  # noqa: E501
FORMULA = "rated_power * signal.irradiance / 1000 * (1 - 0.004 * max(0, temp - 25))"
KINDS = {
    "formula": f'type: formula, formula: "{FORMULA}"',
    "lag": "type: lag, of: temp, time_constant: 30s",
    "integrate": "type: integrate, of: temp, per: 1h",
    "follow": "type: follow, of: temp, delay: 3s",
    "pid": "type: pid, of: temp, setpoint: rated_power, kp: 2, ki: 0.1, kd: 0.5, min: 0, max: 100",
}


def formulas(shop: Workshop, pace: Pace) -> Outcome:
    row = Row(FORMULAS[0])
    table = Table(
        f"{DEVICES // 1000} 000 devices × {POINTS} points at 1 Hz, computed from other points",
        ["generator", "% of a core", "ns per update", "million updates/s of a core"],
    )
    outcome = Outcome([row], [table])
    try:
        idle = median(_shares(shop, pace, "without", ""))
        for kind, generator in KINDS.items():
            shares = _shares(shop, pace, kind, _points(generator))
            costs = [(share - idle) / (DEVICES * POINTS) * 1e9 for share in shares]
            if kind == "formula":
                row.values = costs
            cost = median(costs)
            table.lines.append(
                [kind, f"{median(shares) * 100:.1f}", f"{cost:.1f}", f"{1e3 / cost:.0f}" if cost > 0 else "–"]
            )
    except StartError as error:
        row.complaint = str(error)
    return outcome


def _points(generator: str) -> str:
    lines = (
        f"      p{place}: {{table: input_register, address: {2 * place + 2}, data_type: float32, "
        f"generator: {{{generator}}}}}\n"
        for place in range(POINTS)
    )
    return "".join(lines)


def _shares(shop: Workshop, pace: Pace, kind: str, points: str) -> list[float]:
    """The share of a core that the plant takes, measured several times."""
    profile = f"    parameters: {{rated_power: 5000}}\n{crowd(WALK + points)}"
    plant = Plant(f"formulas-{kind}", ENDPOINT, DEVICES, profile, SIGNALS)
    with ExitStack() as stack:
        server = start_plant(shop, stack, plant)
        server.core_share(2)  # let it settle
        shares = []
        for number in range(max(2, pace.rounds // 2)):
            progress(f"formulas, {kind}: {number + 1}")
            shares.append(server.core_share(pace.watch_s / 2))
        return shares

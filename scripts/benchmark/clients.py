"""Scenario: our clients against those of pymodbus, on our server with one device.

Each poller is a program of its own in the environment of its library, on the core of the server, so that
nobody is charged for waking a sleeping core; its own CPU time is what counts, not the server's.  Rounds are
paired: what disturbs one disturbs the other.
"""

from __future__ import annotations

import subprocess
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from .bars import CLIENT_IMPORT, CLIENTS, Outcome, Row, Table
from .comparing import Pace, progress
from .machine import cores
from .ours import start_plant
from .plants import Plant, meter
from .processes import ENVIRONMENT, pin
from .workshop import PEERS, SOURCES, Workshop

PORT = 16560
IMPORTS = 9
PATIENCE_S = 60


@dataclass(frozen=True)
class Polled:
    """What a poller did: requests, seconds, CPU seconds."""

    requests: int
    seconds: float
    cpu_s: float

    @property
    def us(self) -> float:
        """Time for a request."""
        return self.seconds / self.requests * 1e6

    @property
    def cpu_us(self) -> float:
        """CPU time for a request."""
        return self.cpu_s / self.requests * 1e6


def clients(shop: Workshop, pace: Pace) -> Outcome:
    outcome = Outcome()
    theirs = shop.environment("pymodbus", PEERS["pymodbus"][0])
    ours = Path(shop.modsim()[0]).parent / "python"
    with ExitStack() as stack:
        start_plant(shop, stack, Plant("clients", f"tcp://127.0.0.1:{PORT}", 1, meter()))
        table = Table(
            "Clients, FC 3 × 10, one connection",
            ["client", "requests/s", "CPU µs/request", "requests/s of pymodbus", "CPU µs of pymodbus"],
        )
        for face, (time_bar, cpu_bar) in CLIENTS.items():
            pairs = []
            for number in range(pace.rounds):
                progress(f"clients, {face}: round {number + 1} of {pace.rounds}")
                mine = _poll(ours, "ours.py", face, pace.seconds)
                pairs.append((mine, _poll(theirs, "pymodbus_poller.py", face, pace.seconds)))
            outcome.rows.append(Row(time_bar, [mine.us / other.us for mine, other in pairs]))
            outcome.rows.append(Row(cpu_bar, [mine.cpu_us / other.cpu_us for mine, other in pairs]))
            table.lines.append(
                [face, *_middle([pair[0] for pair in pairs]), *_middle([pair[1] for pair in pairs])]
            )
        outcome.tables.append(table)
    outcome.rows.append(Row(CLIENT_IMPORT, [_import_ms(ours) for _ in range(IMPORTS)]))
    return outcome


def _import_ms(python: Path) -> float:
    """What ``import simulator.client`` takes, with all it loads, in a process of its own."""
    done = subprocess.run(
        [str(python), "-X", "importtime", "-c", "import simulator.client"],
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=True,
        env=ENVIRONMENT,
        preexec_fn=pin(cores()[0]),
    )
    return int(done.stderr.splitlines()[-1].split("|")[1]) / 1000


def _poll(python: Path, script: str, face: str, seconds: float) -> Polled:
    done = subprocess.run(
        [str(python), str(SOURCES / "pollers" / script), face, str(PORT), str(seconds)],
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=True,
        env=ENVIRONMENT,
        preexec_fn=pin(cores()[0]),
    )
    requests, spent, cpu_s = done.stdout.split()
    return Polled(int(requests), float(spent), float(cpu_s))


def _middle(polled: list[Polled]) -> list[str]:
    return [f"{1e6 / median(one.us for one in polled):,.0f}", f"{median(one.cpu_us for one in polled):.1f}"]

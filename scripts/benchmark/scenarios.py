"""The table of all scenarios: name -> (what it measures, how)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from . import bars, clients, crowds, faults, formulas, loading, million, mixes, peers, storm, transports
from .bars import Outcome, Row
from .comparing import Pace
from .workshop import Workshop


@dataclass(frozen=True)
class Scenario:
    what: str
    run: Callable[[Workshop, Pace], Outcome]
    bars: tuple[bars.Bar, ...]

    def failed(self, complaint: str) -> Outcome:
        """What is to be said when nothing could be measured."""
        return Outcome([Row(bar, complaint=complaint) for bar in self.bars])


SCENARIOS = {
    "peers": Scenario("CPU, speed and memory against other servers", peers.peers, bars.PEERS),
    "mixes": Scenario(
        "FC 3 × 125, FC 1 × 2000 and FC 16 × 10 against FC 3 × 10", mixes.mixes, tuple(bars.MIXES.values())
    ),
    "transports": Scenario(
        "UDP, RTU over TCP and TLS against TCP", transports.transports, tuple(bars.TRANSPORTS.values())
    ),
    "ports": Scenario("1 000 devices on 1 000 ports: start-up", crowds.ports, (bars.PORTS_READY,)),
    "listeners": Scenario(
        "15 000 listeners, 15 000 connections: start-up and memory", crowds.listeners, bars.LISTENERS
    ),
    "million": Scenario(
        "1 000 000 devices: start-up, memory, random requests", million.at_rest, bars.MILLION
    ),
    "ticking": Scenario(
        "1 000 000 devices × 10 points at 1 Hz: load and latency", million.ticking, bars.TICKING
    ),
    "clients": Scenario(
        "our clients against pymodbus's: round trips and CPU; what importing one takes",
        clients.clients,
        (*(bar for pair in bars.CLIENTS.values() for bar in pair), bars.CLIENT_IMPORT),
    ),
    "load": Scenario(
        "modsim load against a server that does next to nothing: requests of one core",
        loading.loading,
        tuple(bars.GENERATOR.values()),
    ),
    "formulas": Scenario(
        "100 000 devices × 10 points computed from others at 1 Hz: load", formulas.formulas, bars.FORMULAS
    ),
    "faults": Scenario(
        "1 000 rules that do not fit, 1 000 devices that are late: what others notice",
        faults.faults,
        bars.FAULTS,
    ),
    "storm": Scenario(
        "1 000 devices offline and back under 1 000 clients: until all are answered", storm.storm, bars.STORM
    ),
}

"""``clear: all`` against a plant that nothing has happened to: the same registers, flags, listeners and answers."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent / "server"))

from offline_support import BOX, READ, Yard

PLANT = """
signals:
  sun: {type: sine, min: 0, max: 1000, period: 60s}
devices:
  - {name: "a{n}", profile: box, endpoint: "tcp://127.0.0.1:0", unit_id: 1-4}
  - {name: "b{n}", profile: box, count: 3, endpoint: "tcp://127.0.0.1:0", tags: [t]}
  - {name: "w{n}", profile: box, count: 4, endpoint: "tcp://127.0.5.1-127.0.5.4:0"}
  - {name: "d{n}", profile: box, count: 3, endpoint: "udp://127.0.0.1:0", unit_id: 1-3}
faults:
  - {name: on, when: {devices: a1}, then: {exception: 6}}
  - {name: off, when: {devices: a2}, then: {drop: true}, enabled: false}
  - {name: shaky, when: {devices: b1}, then: {flap: 1s}, enabled: false}
scenarios:
  one:
    loop: true
    steps:
      - {at: 0s, fault: [off, shaky], for: 2s}
      - {at: 0s, fault: on, enabled: false}
      - {at: 1s, offline: "a*", for: 5s}
      - {at: 1s, offline: {tags: [t]}, how: drop}
      - {at: 2s, offline: "w[12]"}
      - {at: 2s, offline: "d*", for: 1s}
      - {at: 2s, set: {devices: "*", point: level, value: 77}}
      - {at: 2s, set: {devices: "a*", point: count, value: 7777}, for: 3s}
      - {at: 2s, set: {signal: sun, value: 5}}
      - {at: 3s, generator: {devices: "b*", point: count, generator: {type: ramp, from: 0, to: 10, duration: 5s}}}
      - {at: 3s, generator: {devices: "w*", point: lit, generator: {type: formula, formula: signal.sun * 2}}, for: 2s}
      - {at: 4s, online: w1}
      - {at: 4s, release: {devices: b2, point: count}}
      - {at: 5s, set: {devices: "a*", point: count, value: 1111}}
      - {at: 6s, release: {signal: sun}}
  two:
    loop: 3
    every: 4s
    steps:
      - {at: 0s, set: {devices: a1, point: level, value: 3}, for: 1s}
      - {at: 1s, offline: "a[12]", how: drop, for: 2s}
      - {at: 1s, fault: off}
      - {at: 2s, set: {devices: a1, point: count, value: 3}}
      - {at: 3s, generator: {devices: "a*", point: count, generator: {type: constant, value: 5}}, for: 500ms}
  cleanup:
    - {clear: all}
"""
LIT = '      lit: {table: hr, address: 3, data_type: float32, generator: {type: formula, formula: "signal.sun + i"}}\n'


@pytest.fixture
def yards():
    made = [Yard(BOX + LIT + PLANT, with_box=False) for _ in range(2)]
    yield made
    for yard in made:
        yard.close()


def until(yard: Yard, seconds: float) -> None:
    while yard.plant.now() < seconds - 1e-9:
        yard.reactor.advance(0.05)
    yard.turn()


def state(yard: Yard) -> list[Any]:
    """All that can be told from outside, and what decides about it."""
    plant = yard.plant
    return [
        [bytes(table.buffer) for fleet in plant.fleets for table in fleet.tables.values()],
        [bytes(fleet.kind.aside) for fleet in plant.fleets],
        {name: rule.enabled for name, rule in plant.faults.items()},
        plant.outages.devices,
        [getattr(factory.port, "is_listening", True) for factory in plant.factories],
        [id(factory.absent) for factory in plant.factories],
    ]


@pytest.mark.parametrize("amid", [0.5, 2.5, 3.5, 5.5, 11.05])
def test_everything_is_as_if_nothing_had_been(yards: list[Yard], amid: float) -> None:
    shaken, calm = yards
    scenarios = shaken.plant.scenarios
    scenarios["one"].start()
    scenarios["two"].start()
    until(shaken, amid)
    until(calm, amid)
    assert state(shaken) != state(calm)
    assert [scenarios[name].failed for name in ("one", "two")] == [0, 0]
    for name in ("one", "two"):
        shaken.wait(scenarios[name].stop())
    scenarios["cleanup"].start()
    until(shaken, amid + 3)
    until(calm, amid + 3)
    assert state(shaken) == state(calm)
    client = shaken.connect()
    assert [shaken.ask(client, READ, unit)[:5] for unit in (1, 2)] == ["83 06", "03 02"]

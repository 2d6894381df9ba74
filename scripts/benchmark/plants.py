"""The plant files the scenarios need, as text.

Every plant has generators that tick.  The registers under load hold known values, so that the load
generator can check the data of every answer.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

# ruff: noqa: E501  (a point is one line, as in a plant file)

MOVING = """\
      voltage: {table: input_register, address: 0, data_type: float32, generator: {type: sine, min: 228, max: 232, period: 60s, noise: 0.2}}
      current: {table: input_register, address: 2, data_type: float32, generator: {type: triangle, min: 0, max: 16, period: 30s}}
      frequency: {table: input_register, address: 4, data_type: float32, generator: {type: random_walk, initial: 50, step: 0.005, min: 49.9, max: 50.1}}
      energy: {table: input_register, address: 6, data_type: uint32, scale: 0.01, generator: {type: counter, rate: 1.5}}
      temperature: {table: input_register, address: 8, data_type: int16, scale: 0.1, generator: {type: sawtooth, min: 20, max: 60, period: 300s}}
"""

ONE = """\
      level: {table: input_register, address: 0, data_type: uint16, generator: {type: sawtooth, min: 0, max: 1000, period: 60s}}
"""

TEN_ALIKE = """\
      p0: {table: input_register, address: 0, data_type: float32, generator: {type: sine, min: 228, max: 232, period: 60s}}
      p1: {table: input_register, address: 2, data_type: float32, generator: {type: triangle, min: 0, max: 16, period: 30s}}
      p2: {table: input_register, address: 4, data_type: int16, generator: {type: square, min: 0, max: 1, period: 10s}}
      p3: {table: input_register, address: 5, data_type: uint16, generator: {type: sawtooth, min: 0, max: 1000, period: 60s}}
      p4: {table: input_register, address: 6, data_type: uint32, generator: {type: counter, rate: 3}}
      p5: {table: input_register, address: 8, data_type: int16, generator: {type: ramp, from: 0, to: 500, duration: 60s, then: repeat}}
      p6: {table: input_register, address: 9, data_type: uint16, generator: {type: increment, step: 1, min: 0, max: 60000, wrap: true}}
      p7: {table: input_register, address: 10, data_type: uint16, generator: {type: step, values: [1, 2, 3, 5, 8], interval: 1s}}
      p8: {table: input_register, address: 11, data_type: float32, generator: {type: sine, min: -10, max: 10, period: 20s}}
      p9: {table: input_register, address: 13, data_type: uint16, generator: {type: decrement, step: 1, min: 0, max: 60000, wrap: true}}
"""

TEN_PHASES = """\
      p0: {table: input_register, address: 0, data_type: float32, generator: {type: sine, min: 228, max: 232, period: 60s, phase: "{i}s"}}
      p1: {table: input_register, address: 2, data_type: float32, generator: {type: triangle, min: 0, max: 16, period: 30s, phase: "{i}s"}}
      p2: {table: input_register, address: 4, data_type: int16, generator: {type: square, min: 0, max: 1, period: 10s, phase: "{i}s"}}
      p3: {table: input_register, address: 5, data_type: uint16, generator: {type: sawtooth, min: 0, max: 1000, period: 60s, phase: "{i}s"}}
      p4: {table: input_register, address: 6, data_type: uint32, generator: {type: counter, rate: 3, initial: "{i}"}}
      p5: {table: input_register, address: 8, data_type: int16, generator: {type: triangle, min: 0, max: 500, period: 60s, phase: "{i}s"}}
      p6: {table: input_register, address: 9, data_type: uint16, generator: {type: sawtooth, min: 0, max: 60000, period: 90s, phase: "{i}s"}}
      p7: {table: input_register, address: 10, data_type: uint16, generator: {type: square, min: 0, max: 50, period: 9s, phase: "{i}s"}}
      p8: {table: input_register, address: 11, data_type: float32, generator: {type: sine, min: -10, max: 10, period: 20s, phase: "{i}s"}}
      p9: {table: input_register, address: 13, data_type: uint16, generator: {type: counter, rate: 1, initial: "{i}"}}
"""

TEN_RANDOM = """\
      p0: {table: input_register, address: 0, data_type: float32, generator: {type: random, min: 228, max: 232}}
      p1: {table: input_register, address: 2, data_type: float32, generator: {type: random_walk, initial: 20, step: 0.1, min: -20, max: 80}}
      p2: {table: input_register, address: 4, data_type: int16, generator: {type: normal, mean: 500, deviation: 10}}
      p3: {table: input_register, address: 5, data_type: uint16, generator: {type: random, min: 0, max: 1000}}
      p4: {table: input_register, address: 6, data_type: uint32, generator: {type: random, min: 0, max: 100000}}
      p5: {table: input_register, address: 8, data_type: int16, generator: {type: random_walk, initial: 0, step: 1, min: -500, max: 500}}
      p6: {table: input_register, address: 9, data_type: uint16, generator: {type: random, min: 0, max: 60000}}
      p7: {table: input_register, address: 10, data_type: uint16, generator: {type: random, min: 0, max: 50}}
      p8: {table: input_register, address: 11, data_type: float32, generator: {type: random_walk, initial: 0, step: 0.5, min: -80, max: 80}}
      p9: {table: input_register, address: 13, data_type: uint16, generator: {type: normal, mean: 5000, deviation: 100}}
"""

FILL = 7  # every holding register of a crowd's devices holds this


@dataclass(frozen=True)
class Plant:
    """A plant of one group: where its devices are, how many, and what they are like."""

    name: str
    endpoint: str
    count: int
    profile: str
    extra: str = ""  # further lines of the plant file

    def write(self, folder: Path) -> Path:
        path = folder / f"{self.name}.yaml"
        path.write_text(
            f"version: 1\nname: {self.name}\nseed: 1\n"
            f"limits: {{max_connections: 20000}}\n"
            f"profiles:\n  bench:\n{self.profile}"
            f"devices:\n  - {{name: 'device-{{n}}', profile: bench, count: {self.count}, "
            f"endpoint: '{self.endpoint}', unit_id: 1}}\n"
            f"{self.extra}"
        )
        return path


def meter() -> str:
    """A profile under load: holding registers hold their address, odd coils are set, inputs move."""
    registers = ", ".join(map(str, range(256)))
    bits = ", ".join(str(i & 1) for i in range(2048))
    return (
        "    tables:\n"
        f"      holding_register: {{block: sequential, address: 0, count: 256, values: {{0: [{registers}]}}}}\n"
        f"      coil: {{block: sequential, address: 0, count: 2048, values: {{0: [{bits}]}}}}\n"
        "      input_register: {block: sequential, address: 0, count: 100}\n"
        f"    points:\n{MOVING}"
    )


def crowd(points: str = ONE, holding: int = 100, inputs: int = 100) -> str:
    """A profile for many devices: every holding register is filled, so that all memory is really there."""
    return (
        "    tables:\n"
        f"      holding_register: {{block: sequential, address: 0, count: {holding}, fill: {FILL}}}\n"
        f"      input_register: {{block: sequential, address: 0, count: {inputs}, fill: {FILL}}}\n"
        f"    points:\n{points}"
    )

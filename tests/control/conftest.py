"""A plant and its operators: in memory for what operations do, in a process for what clients see."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from simulator.config.loader import parse_plant
from simulator.control.context import Control
from simulator.control.operations import OPERATIONS
from simulator.control.refusals import Refusal
from simulator.plant import Plant
from simulator.remote import Remote
from tests.conftest import Running, environment

TEXT = """
profiles:
  box:
    points:
      level: {table: hr, address: 0, data_type: int16, scale: 0.1, value: 12.5, min: 0, max: 50,
              unit_of_measurement: m}
      mode: {table: hr, address: 1, data_type: uint16, enum: {0: stop, 3: run}, value: stop}
      serial: {table: hr, address: 4, data_type: string, length: 4, value: "S{n}", access: ro}
      pump: {table: coil, address: 3, data_type: bool}
      power: {table: ir, address: 0, data_type: float32,
              generator: {type: increment, min: 0, max: 1000, step: 10}}
    identity: {vendor_name: Example, model_name: Box}
  other:
    points:
      level: {table: hr, address: 9, data_type: float32}
signals: {load: {type: increment, min: 0, max: 100, step: 1}}
faults: [{name: late, enabled: false, when: {devices: "a-*"}, then: {delay: 100ms}}]
scenarios:
  dip: {steps: [{at: 1s, set: {point: level, devices: c, value: 3}}]}
devices:
  - {name: "a-{n}", profile: box, endpoint: "tcp://127.0.0.1:5020", unit_id: 1-5, tags: [east]}
  - {name: "b-{n}", profile: box, endpoint: "tcp://127.0.0.1:5021-5025", tags: [west]}
  - {name: c, profile: other, endpoint: "tcp://127.0.0.1:5030", tags: [west]}
"""
LIVE = (
    TEXT.replace("5020", "0")
    .replace("5021-5025", "0")
    .replace("5030", "0")
    .replace(
        'profile: box, endpoint: "tcp://127.0.0.1:0", tags: [west]',
        'profile: box, endpoint: "tcp://127.0.0.1:0", count: 5, tags: [west]',
    )
)


class Hands:
    """Operations on a plant that is not open, each by its name; time moves when it is told to."""

    def __init__(self, text: str = TEXT) -> None:
        self.clock = Clock()
        self.plant = Plant(parse_plant(text), self.clock)
        self.control = Control(self.plant)

    def __call__(self, operation: str, /, **arguments: Any) -> Any:
        """The answer; raises what refuses."""
        result = OPERATIONS[operation].function(self.control, **arguments)
        if not isinstance(result, Deferred):
            return result
        found: list[Any] = []
        result.addBoth(found.append)
        for _ in range(10_000):
            if found:
                break
            self.clock.advance(0)
        if hasattr(found[0], "raiseException"):
            found[0].raiseException()
        return found[0]

    def refused(self, operation: str, /, **arguments: Any) -> Refusal:
        """Why an operation is refused."""
        with pytest.raises(Refusal) as caught:
            self(operation, **arguments)
        return caught.value


@pytest.fixture
def hands() -> Hands:
    return Hands()


STILL = re.sub(r",\s+generator: {[^}]*}|^signals: .*$", "", LIVE, flags=re.M)


def started(folder: Path, text: str = LIVE) -> Iterator[Any]:
    """A plant as a user starts it, with its API; ``url``, ``remote``, ``environment``."""
    (folder / "plant.yaml").write_text(text)
    surroundings = {**environment(), "XDG_RUNTIME_DIR": str(folder)}
    words = ("run", "plant.yaml", "--http", "127.0.0.1:0", "--log-level", "warning")
    running = cast(Any, Running(words, folder, env=surroundings).wait_ready())
    running.url = running.ready.rstrip().rpartition(" ")[2]
    running.environment = surroundings
    running.remote = Remote(running.url)
    yield running
    running.remote.close()
    code, running.errors = running.stop()
    assert (code, running.errors) == (0, "")
    assert not list((folder / "modsim").glob("*.json"))


@pytest.fixture(scope="session")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    yield from started(tmp_path_factory.mktemp("live"))


@pytest.fixture(scope="session")
def battered(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Another one, where nothing moves, for whoever leaves nothing as it was."""
    yield from started(tmp_path_factory.mktemp("battered"), STILL)

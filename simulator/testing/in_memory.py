"""A plant without sockets, and without time of its own: everything happens when a test says so.

Endpoints are names here; what a client sends goes straight to the framer of the listener.  Serial lines and
datagrams are streams of their framing.  The one rule: the same test gives the same bytes, however fast or
slow the machine is.  Refused: TLS, which needs sockets.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Self

from twisted.internet.defer import Deferred

from simulator.plant import Plant
from simulator.testing.clients import MemoryClient
from simulator.testing.clock import SteppedClock
from simulator.testing.handle import PlantHandle
from simulator.testing.memory import CLIENT, MemoryHub, MemoryPort
from simulator.testing.sources import plant_of

if TYPE_CHECKING:
    from simulator.client.blocking import Client
    from simulator.config.placement import ListenerPlan
    from simulator.config.plant import PlantConfig
    from simulator.server.factory import ModbusServerFactory
    from simulator.testing.places import Found
    from simulator.testing.sources import Source

SETTLED = 1e-9  # of a second: nothing is due within


class MemoryPlant(Plant):
    """A plant whose listeners are in memory."""

    hub: Any

    def _make_hub(self) -> Any:
        return MemoryHub(self.reactor)

    def _listen(self, plan: ListenerPlan, factory: ModbusServerFactory) -> Any:
        return self.hub.listen(plan, factory)


class InMemoryPlant(PlantHandle):
    """``with InMemoryPlant.from_yaml(text) as plant: plant.client("meter-0001").read("float32", 0)``.

    Virtual time begins at 0 and moves by ``advance``, and while a client waits for an answer.  Every device
    is recorded from the beginning.  Raises ValueError for a plant with TLS.
    """

    def __init__(self, config: PlantConfig) -> None:
        super().__init__(_without_sockets(config))
        self.clock = SteppedClock()
        self._plant = MemoryPlant(self.config, self.clock)
        self._plant.recorder.record()
        self._is_open = True
        self.clock.wait(self._plant.open())
        self._plant.startService()
        self._settle()

    @classmethod
    def from_yaml(cls, text: str, *, seed: int | None = None) -> Self:
        """The plant of YAML text; raises ConfigError."""
        return cls.of(text, seed=seed)

    @classmethod
    def from_file(cls, path: Any, *, seed: int | None = None) -> Self:
        """The plant of a file; raises ConfigError."""
        return cls.of(path, seed=seed)

    @classmethod
    def from_profile(cls, profile: str, count: int = 1, *, seed: int | None = None) -> Self:
        """``count`` devices of a profile, with unit ids from 1; raises ValueError for an unknown one."""
        return cls.of(profile=profile, count=count, seed=seed)

    @classmethod
    def of(cls, source: Source | None = None, **keys: Any) -> Self:
        """The plant of anything that :func:`~simulator.testing.sources.plant_of` takes."""
        return cls(plant_of(source, **keys))

    @property
    def plant(self) -> Plant:
        """The plant itself."""
        return self._plant

    @property
    def endpoints(self) -> list[str]:
        """What would be listened on."""
        return self._plant.endpoints

    def call(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Call a function; when it returns a Deferred, let time run until that has fired."""
        result = function(*arguments)
        if isinstance(result, Deferred):
            result = self.clock.wait(result)
        self._settle()
        return result

    def advance(self, seconds: float) -> float:
        """Go so many seconds forward; nothing that is due is left out.  The virtual second then."""
        if seconds < 0:
            raise ValueError(f"seconds is {seconds:g}, expected 0 or more")
        self.clock.advance(seconds)
        self._settle()
        return self._plant.now()

    def close(self) -> None:
        """Stop the plant; a second time does nothing."""
        self.close_clients()
        if self._is_open:
            self._is_open = False
            self.clock.wait(self._plant.stopService())

    def _settle(self) -> None:
        """Finish what the present instant has begun."""
        if self._is_open:
            self.clock.wait(self._plant.time.advance(0))

    def _run(self, seconds: float, until: Callable[[], object]) -> bool:
        """Let time run until something is so; False when it is not so after that long."""
        began = self.clock.seconds()
        if until():
            return True
        found = self.clock.run(began + seconds, until)
        if not found:
            self.clock.rightNow = began + seconds
        self._settle()
        return found

    def _client(self, found: Found, options: dict[str, Any]) -> Client:
        port: MemoryPort = self._plant.factories[found.listener].port

        def connect(chosen: Any) -> Any:
            source = chosen.source_address()
            return port.connect(found.host, CLIENT if source is None else source[0])

        return MemoryClient(port.at(found.host), connect, self._run, **options)


def _without_sockets(config: PlantConfig) -> PlantConfig:
    """The same plant, each listener a stream of its framing; virtual seconds are those of the clock."""
    for group in config.groups:
        if group.tls is not None:
            raise ValueError(
                f"{group.device_name(0)} is at {group.endpoint.text}, expected endpoints without TLS: "
                "it needs sockets"
            )
    listeners = tuple(map(_as_stream, config.listeners))
    return replace(config, listeners=listeners, clock=replace(config.clock, time_scale=1.0))


def _as_stream(plan: ListenerPlan) -> ListenerPlan:
    framing = plan.kind.framing
    scheme = "tcp" if framing == "mbap" else f"{framing}+tcp"
    return replace(plan, scheme=scheme, host=plan.host or CLIENT, line=None)

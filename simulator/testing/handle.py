"""A running plant in the hands of a test: the same verbs whether it is in memory, in a thread or elsewhere.

A handle calls the plant where it lives, by ``call``.  The one rule: what is asked for is done when the call
returns.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, Self

from simulator.client.devices import Device
from simulator.errors import PointError
from simulator.journal import Entry, Journal
from simulator.testing import places
from simulator.testing.restoring import Baseline
from simulator.testing.temporary import Injected, Temporary, Unmet

if TYPE_CHECKING:
    from simulator.client.blocking import Client
    from simulator.config.plant import PlantConfig
    from simulator.config.selection import Selectable
    from simulator.expectations.checking import Outcome
    from simulator.plant import Plant
    from simulator.scenarios import Scenario
    from simulator.server.absences import How
    from simulator.values import Target


LOOKS = 25  # whether a client that closes is gone


class PlantHandle:
    """What tests do with a plant.

    ``config`` is the plant, ``names`` are those of its devices.  Raises
    :class:`~simulator.errors.PointError` for devices, points and values that do not exist.
    """

    def __init__(self, config: PlantConfig) -> None:
        self.config = config
        self._clients: list[Client] = []
        self._injected = 0

    # what differs from one kind of plant to another

    @property
    @abstractmethod
    def plant(self) -> Plant:
        """The plant itself, with all it offers; touch it by ``call`` only where it lives in a thread."""

    @property
    @abstractmethod
    def endpoints(self) -> list[str]:
        """What is listened on, in the order of the plant file."""

    @abstractmethod
    def call(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Call a function where the plant lives; what it returns, or what its Deferred gives."""

    @abstractmethod
    def close(self) -> None:
        """Stop the plant and close every client that was made here."""

    @abstractmethod
    def _client(self, found: places.Found, options: dict[str, Any]) -> Client: ...

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # who is there

    @property
    def names(self) -> list[str]:
        """The names of all devices."""
        return list(places.names(self.config))

    def url(self, device: str | None = None) -> str:
        """The URL of a device, of the only one by default: ``tcp://127.0.0.1:41234``."""
        found = self._find(device)
        return found.url(self.endpoints[found.listener])

    def address(self, device: str | None = None) -> tuple[str, int]:
        """Host and port of a device, of the first one by default."""
        host, _, port = self.url(device).partition("://")[2].rpartition(":")
        return host.strip("[]"), int(port)

    def unit(self, device: str | None = None) -> int:
        """The unit id of a device; 1 for one that answers any."""
        return self._find(device).unit

    def client(self, device: str | None = None, **options: Any) -> Client:
        """A blocking client of a device: :class:`~simulator.client.Client`, with its unit id for default.

        ``options`` are those of the client.  It is closed with the plant.
        """
        found = self._find(device)
        made = self._client(found, {"unit": found.unit, **options})
        self._clients.append(made)
        return made

    def device(self, device: str | None = None, **options: Any) -> Device:
        """A device as a client sees it, by the names of its points: ``device["setpoint"]``."""
        client = self.client(device, **options)
        return Device(client, self._find(device).group.profile, client.unit)

    # its values, from inside

    def get(self, device: str, point: str) -> object:
        """The value of a point."""
        return self.call(self.plant.read, device, point)

    def set(self, target: Target, point: str, value: object, *, hold: float | None = None) -> int:
        """Write a point of a device, or of all devices of a pattern or selection; their number.

        ``hold`` is for how many virtual seconds a generator leaves the value alone, by default as long as
        after a client's write.
        """
        return int(self.call(partial(self.plant.write, target, point, value, hold=hold)))

    def release(self, target: Target, point: str | None = None) -> int:
        """Let generators move what was set; the number of devices."""
        return int(self.call(self.plant.release, target, point))

    # what fails

    def inject(self, fault: Mapping[str, Any] | None = None, **keys: Any) -> Injected:
        """Switch a fault on: a mapping as in ``faults`` of a plant file, or its keys.

        A fault without a name is given one.  It is removed by ``end``, by leaving a ``with`` block, or by
        ``clear``.  Raises ConfigError for one that no file could have.
        """
        spec = {**(fault or {}), **keys}
        if "name" not in spec:
            self._injected += 1
            spec["name"] = f"injected-{self._injected}"
        rule = self.call(self.plant.faults.add, spec)
        return Injected(partial(self.call, self._remove, rule.name), rule)

    def clear(self) -> None:
        """Take all faults back that a test has injected or switched: they are as in the plant file."""
        self.call(self.plant.faults.clear)

    def offline(self, what: Selectable, how: How = "close") -> Temporary:
        """Take devices away, ``close`` or ``drop``; ``end`` brings them back."""
        outage = self.call(self.plant.offline, what, how)
        return Temporary(lambda: self.call(self.plant.outages.end, outage), outage)

    def online(self, what: Selectable) -> None:
        """Bring devices back."""
        self.call(self.plant.online, what)

    def scenario(self, name: str) -> Temporary:
        """Start a scenario; ``end`` stops it and takes back what it did.

        Raises KeyError for one that does not exist, RuntimeError for one that is running.
        """
        scenario: Scenario = self.plant.scenarios[name]
        self.call(scenario.start)
        return Temporary(lambda: self.call(partial(scenario.stop, restore=True)), scenario)

    # virtual time

    @property
    def now(self) -> float:
        """Virtual seconds since the plant began."""
        return float(self.call(self.plant.now))

    def advance(self, seconds: float) -> float:
        """Go so many virtual seconds forward at once, leaving nothing out; the virtual second then."""
        return float(self.call(self.plant.time.advance, seconds))

    def pause(self) -> Temporary:
        """Let virtual time stand still; ``end`` lets it go on."""
        self.call(self.plant.time.pause)
        return Temporary(self.resume)

    def resume(self) -> None:
        """Let virtual time go on."""
        self.call(self.plant.time.resume)

    def step(self, ticks: int = 1) -> float:
        """Pause and go so many ticks forward; the virtual second then."""
        return float(self.call(self.plant.time.step, ticks))

    # what clients asked

    def record(self, what: Selectable | None = None) -> Any:
        """Keep the journal of some devices from now on, of all by default; ``stop`` ends it."""
        return self.call(self.plant.recorder.record, what)

    def journal(self, **fitting: Any) -> list[Entry]:
        """The requests so far, the oldest first.

        They are chosen by ``device``, ``client``, ``unit``, ``function``, ``since`` and ``last``.
        """
        copied: Journal = self.call(self.plant.recorder.journal.copy)
        return copied.entries(**fitting)

    def check(self, **expectation: Any) -> Outcome:
        """Whether clients have asked what was expected: ``read="voltage", every=2``."""
        answer: Callable[[], Outcome] = self.call(self.plant.recorder.question, expectation)
        return answer()

    def verify(self, **expectation: Any) -> Outcome:
        """The same; raises :class:`Unmet`, an AssertionError that lists what came, when they have not."""
        __tracebackhide__ = True
        outcome = self.check(**expectation)
        if not outcome.met:
            raise Unmet(outcome)
        return outcome

    def forget(self) -> None:
        """Empty the journal: expectations are about what comes from now on."""
        self.call(self.plant.recorder.clear)

    # between tests

    def baseline(self) -> Baseline:
        """How the plant is now; ``restore`` puts it back."""
        baseline: Baseline = self.call(Baseline, self.plant)
        return baseline

    def restore(self, baseline: Baseline) -> list[str]:
        """Put a plant back, close the clients made here and all other connections, empty the journal.

        Returns whose connections were open still.
        """
        self.close_clients()
        self.call(baseline.restore)
        for _ in range(LOOKS):
            if not len(self.plant.hub.connections) or not self._breathe():
                break
        left: list[str] = self.call(self._end_connections)
        self.forget()
        return left

    def close_clients(self) -> None:
        """Close the clients that were made here."""
        clients, self._clients = self._clients, []
        for client in clients:
            client.close()

    def _breathe(self) -> bool:
        """Give clients a moment to be gone; False where that would change nothing."""
        return False

    def _end_connections(self) -> list[str]:
        found = []
        for connection in self.plant.hub.connections:
            protocol = connection.protocol  # type: ignore[attr-defined]
            found.append(protocol.exchange.origin().name)
            connection.abortConnection()  # type: ignore[attr-defined]
        return found

    def _remove(self, name: str) -> None:
        if name in self.plant.faults:
            self.plant.faults.remove(name)

    def _find(self, device: str | None) -> places.Found:
        if device is None:
            if self.config.device_count > 1:
                raise PointError(f"plant has {self.config.device_count} devices, expected the name of one")
            device = self.config.groups[0].device_name(0)
        return places.find(self.config, device)

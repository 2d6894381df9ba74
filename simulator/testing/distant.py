"""The verbs of a plant in another process, over its API.

The one rule: the same words as for a plant in this process, with the same errors; what the API does not have
(the plant itself, ``call``, putting a shared plant back) is refused by whoever keeps the process.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from simulator.config.selection import select
from simulator.errors import ConfigError, PointError, Problem
from simulator.expectations.checking import Outcome
from simulator.remote import Remote, RemoteError
from simulator.testing.handle import PlantHandle
from simulator.testing.temporary import Injected, Temporary

if TYPE_CHECKING:
    from simulator.config.plant import PlantConfig
    from simulator.config.selection import Selectable
    from simulator.server.absences import How
    from simulator.values import Target


class DistantHandle(PlantHandle):
    """A plant behind ``remote``, its API."""

    remote: Remote

    def __init__(self, config: PlantConfig) -> None:
        super().__init__(config)
        self._since: float | None = None  # what the journal had before is forgotten

    def get(self, device: str, point: str) -> object:
        """The value of a point."""
        self._find(device)
        found = _asked(self.remote.read, device=[device], point=[point])
        return found["devices"][0]["values"][point]

    def set(self, target: Target, point: str, value: object, *, hold: float | None = None) -> int:
        """Write a point of a device, or of all devices of a pattern or selection; their number."""
        names = self._names(target)
        return int(
            _asked(self.remote.write, device=names, values={point: value}, hold=hold)["devices"][point]
        )

    def release(self, target: Target, point: str | None = None) -> int:
        """Let generators move what was set; the number of devices."""
        points = None if point is None else [point]
        released = _asked(self.remote.release, device=self._names(target), point=points)["devices"]
        return max(released.values(), default=0)

    def inject(self, fault: Mapping[str, Any] | None = None, **keys: Any) -> Injected:
        """Switch a fault on, see :meth:`PlantHandle.inject`."""
        spec = {**(fault or {}), **keys}
        if "name" not in spec:
            self._injected += 1
            spec["name"] = f"injected-{self._injected}"
        try:
            name = self.remote.add_fault(fault=spec)["name"]
        except RemoteError as error:
            raise ConfigError([Problem("fault", 0, 0, "", error.detail)]) from None
        rule: Any = _Rule(self.remote, name)
        return Injected(partial(self._remove, name), rule)

    def clear(self) -> None:
        """Take all faults back: they are as in the plant file."""
        self.remote.clear_faults()

    def offline(self, what: Selectable, how: How = "close") -> Temporary:
        """Take devices away, ``close`` or ``drop``; ``end`` brings them back."""
        names = self._names(what)
        _asked(self.remote.offline, device=names, how=how)
        return Temporary(lambda: self.online(names))

    def online(self, what: Selectable) -> None:
        """Bring devices back."""
        _asked(self.remote.online, device=self._names(what))

    def scenario(self, name: str) -> Temporary:
        """Start a scenario; ``end`` stops it and takes back what it did."""
        if name not in self.config.scenarios:
            raise KeyError(name)
        try:
            self.remote.start_scenario(name=name)
        except RemoteError as error:
            raise RuntimeError(error.detail) from None
        return Temporary(lambda: self.remote.stop_scenario(name=name))

    @property
    def now(self) -> float:
        """Virtual seconds since the plant began."""
        return float(self.remote.time()["seconds"])

    def advance(self, seconds: float) -> float:
        """Go so many virtual seconds forward at once, leaving nothing out; the virtual second then."""
        return float(_asked(self.remote.advance, seconds=seconds)["seconds"])

    def pause(self) -> Temporary:
        """Let virtual time stand still; ``end`` lets it go on."""
        self.remote.pause()
        return Temporary(self.resume)

    def resume(self) -> None:
        """Let virtual time go on."""
        self.remote.resume()

    def step(self, ticks: int = 1) -> float:
        """Pause and go so many ticks forward; the virtual second then."""
        return float(_asked(self.remote.step, ticks=ticks)["seconds"])

    def record(self, what: Selectable | None = None) -> Temporary:
        """Keep the journal of some devices from now on, of all by default; ``end`` ends all recording."""
        _asked(self.remote.record, device=None if what is None else self._names(what))
        return Temporary(self.remote.stop_recording)

    def journal(self, **fitting: Any) -> list[Any]:
        """The requests so far, the oldest first, with the attributes of :class:`~simulator.journal.Entry`."""
        found = _asked(self.remote.journal, **{"since": self._since, "last": 10_000, **fitting})
        return [SimpleNamespace(**{**each, "pdu": bytes.fromhex(each["pdu"])}) for each in found["entries"]]

    def check(self, **expectation: Any) -> Outcome:
        """Whether clients have asked what was expected; the outcome has no entries here."""
        if self._since is not None:
            expectation.setdefault("since", self._since)
        try:
            verdict = self.remote.verify(expectation=expectation)
        except RemoteError as error:
            raise ValueError(error.detail) from None
        return Outcome(verdict["met"], verdict["text"])

    def forget(self) -> None:
        """Expectations are about what comes from now on."""
        self._since = self.now

    def _remove(self, name: str) -> None:
        if any(each["name"] == name for each in self.remote.faults()["faults"]):
            self.remote.remove_fault(name=name)

    def _names(self, what: Any) -> list[str]:
        """Names and patterns as the API takes them."""
        if isinstance(what, str):
            return [what]
        if isinstance(what, list | tuple):
            return list(what)
        groups = self.config.groups
        runs = select(what, groups)
        return [groups[group].device_name(i) for group, start, stop in runs for i in range(start, stop)]


class _Rule:
    """A fault of the plant: what ``Injected`` asks of it."""

    def __init__(self, remote: Remote, name: str) -> None:
        self._remote = remote
        self.name = name

    @property
    def matched(self) -> int:
        return int(self._state()["matched"])

    @property
    def applied(self) -> int:
        return int(self._state()["applied"])

    def _state(self) -> dict[str, Any]:
        found: list[dict[str, Any]] = self._remote.faults()["faults"]
        return next(each for each in found if each["name"] == self.name)


def _asked(operation: Callable[..., Any], **arguments: Any) -> Any:
    try:
        return operation(**arguments)
    except RemoteError as error:
        raise PointError(error.detail) from None

"""The faults of a plant while it runs: which rules there are, which are on, which devices they are about.

``Faults`` is a mapping of names to rules, in file order.  Switching a rule sets a flag in the rows of its
devices, which compiled code looks at with every request, so it acts from the next request on, wherever that
comes from.  A device asks for its rules once; they are looked up again when rules come or go.  One rule: what
no rule is about pays nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from twisted.logger import Logger

from simulator.config.faults import Fault, read_fault
from simulator.documents.problems import show, unknown
from simulator.faults.rule import Bound, Rule
from simulator.server.faulty_listener import attach, detach
from simulator.server.faulty_places import Coverage, Flags, Homes, Near, Placed, Run
from simulator.slices import Slices

if TYPE_CHECKING:
    from twisted.python.failure import Failure

    from simulator.config.placement import ListenerPlan
    from simulator.config.plant import PlantConfig
    from simulator.device import DeviceKind
    from simulator.server.factory import ModbusServerFactory
    from simulator.server.faulty import Link
    from simulator.server.hub import Hub

log = Logger()


class Faults(Mapping[str, Rule]):
    """The rules of a plant by name.

    ``clock`` is what waits are counted with, ``time`` virtual time.  ``groups`` that no rule is about, and
    listeners without such devices, are served as in a plant without faults.
    """

    def __init__(self, config: PlantConfig, homes: Homes, clock: Any, time: Any, hub: Hub) -> None:
        self.clock = clock
        self.time = time
        self._config = config
        self._homes = homes
        self._fleets = {fleet.kind: fleet for fleet, _ in homes.values()}
        self._placed: dict[str, Placed] = {}
        self._bounds: dict[DeviceKind, dict[tuple[int, int], tuple[Bound, ...]]] = {}
        self._flags = Flags(homes)
        self._listeners: list[tuple[ModbusServerFactory, ListenerPlan]] = []
        self._timers: dict[str, list[Any]] = {}
        self._slices = Slices(clock, at_once=True)
        self._is_running = False
        self.hub = hub
        for fault in config.faults:
            self._place(fault, is_of_file=True)
        self._cover()
        self._as_in_file()

    def __getitem__(self, name: str) -> Rule:
        return self._placed[name].rule

    def __iter__(self) -> Iterator[str]:
        return iter(self._placed)

    def __len__(self) -> int:
        return len(self._placed)

    def enable(self, name: str) -> None:
        """Switch a rule on; one that is on stays as it is.  Raises KeyError with what was probably meant."""
        placed = self._find(name)
        if not placed.rule.enabled:
            placed.rule.switch_on(self.time.seconds())
            self._flags.mark(placed)
            if self._is_running:
                self._begin(placed.rule)

    def disable(self, *names: str) -> None:
        """Switch rules off, a thousand as fast as one; answers they have made late are still on their way."""
        gone = [placed for placed in map(self._find, names) if placed.rule.enabled]
        for placed in gone:
            placed.rule.switch_off()
            self._cancel(placed.fault.name)
        if gone:
            self._flags.unmark(gone, self._placed.values())

    def add(self, spec: Mapping[str, Any]) -> Rule:
        """A new rule, written as in a plant file, behind all others; it is on unless it says otherwise.

        Raises ConfigError for a rule that no file could have, ValueError for a name that another one has.
        """
        fault = read_fault(spec, self._config.groups)
        if fault.name in self._placed:
            raise ValueError(f"{show(fault.name)} is the name of another fault, expected another name")
        placed = self._place(fault, is_of_file=False)
        self._changed()
        if fault.rule.enabled:
            self.enable(fault.name)
        return placed.rule

    def remove(self, name: str) -> None:
        """Take a rule away.  Raises KeyError with what was probably meant."""
        self.disable(name)
        del self._placed[name]
        self._changed()

    def clear(self) -> None:
        """Be as the plant file says: its rules on or off as written there, all others gone."""
        added = [name for name, placed in self._placed.items() if not placed.is_of_file]
        self.disable(*added)
        for name in added:
            del self._placed[name]
        self._changed()
        self._as_in_file()

    def start(self) -> None:
        """Time runs: links come and go, and what is to last for a while ends."""
        self._is_running = True
        for placed in self._placed.values():
            if placed.rule.enabled:
                self._begin(placed.rule)

    def stop(self) -> None:
        """Leave everything as it is."""
        self._is_running = False
        self._slices.stop()
        for name in list(self._timers):
            self._cancel(name)

    def attach(self, factory: ModbusServerFactory, plan: ListenerPlan) -> None:
        """A listener is open."""
        self._listeners.append((factory, plan))
        if self._covered.meets(plan):
            attach(factory, plan, self, ())

    def about(self, device: Any, function: int) -> tuple[Bound, ...]:
        """The rules that may be about requests for a function of a device, in file order."""
        kind, key = device.kind, (device.row, function)
        try:
            return self._bounds[kind][key]
        except KeyError:
            found = self._bounds.setdefault(kind, {})[key] = tuple(self._bind(kind, *key))
            return found

    def turns_away(self, devices: Sequence[Run], link: Link) -> bool:
        """True when a rule has a client that connects to these devices reset."""
        return any(
            (placed.rule.then.refuse or placed.rule.is_down) and self._ends(placed, devices, link)
            for placed in self._of_links
            if placed.rule.enabled
        )

    def _ends(self, placed: Placed, devices: Sequence[Run], link: Link) -> bool:
        """True when a rule is done to a connection to these devices."""
        device = placed.first_of(devices)
        if device is None:
            return False
        found = placed.conditions(self._config.groups[device[0]].profile)
        return placed.rule.connected(device, found, link.client, link.scheme)

    def _find(self, name: str) -> Placed:
        found = self._placed.get(name)
        if found is None:
            raise KeyError(unknown("fault", name, self._placed))
        return found

    def _place(self, fault: Fault, *, is_of_file: bool) -> Placed:
        rule = Rule(fault.name, fault.rule, self._config.seed)
        placed = Placed(fault, rule, is_of_file=is_of_file)
        self._placed[fault.name] = placed
        return placed

    def _as_in_file(self) -> None:
        self.disable(*(name for name, placed in self._placed.items() if not placed.fault.rule.enabled))
        for name, placed in self._placed.items():
            if placed.fault.rule.enabled:
                self.enable(name)

    def _bind(self, kind: DeviceKind, row: int, function: int) -> Iterator[Bound]:
        """The rules about one function of one device."""
        fleet = self._fleets[kind]
        group, index = fleet.owner(row)
        for placed in self._near.of(group.index, index):
            functions = placed.rule.when.function
            if functions is None or function in functions:
                found = placed.conditions(fleet.profile)
                yield placed.rule.bound((group.index, index), found, fleet.profile.points)

    def _changed(self) -> None:
        """Rules have come or gone."""
        self._bounds.clear()
        self._cover()
        connections: dict[Any, list[Any]] = {}
        for connection in self.hub.connections:
            protocol = connection.protocol  # type: ignore[attr-defined]
            connections.setdefault(protocol.factory, []).append(protocol)
        for factory, plan in self._listeners:
            if self._covered.meets(plan):
                attach(factory, plan, self, connections.get(factory, ()))
            else:
                detach(factory, connections.get(factory, ()))

    def _cover(self) -> None:
        """Know again what rules are about."""
        self._covered = Coverage(self._placed.values())
        self._near = Near(self._placed.values())
        self._of_links = [
            placed for placed in self._placed.values() if placed.rule.then.refuse or placed.rule.then.flap
        ]

    def _begin(self, rule: Rule) -> None:
        """Let the time of a rule that is on run."""
        self._cancel(rule.name)
        timers = self._timers[rule.name] = []
        if rule.when.for_ is not None:
            timers.append(self.time.callLater(rule.when.for_, self._is_over, rule.name))
        if rule.then.flap is not None:
            timers.append(self.clock.callLater(0, self._flap, rule.name))

    def _is_over(self, name: str) -> None:
        self.disable(name)

    def _flap(self, name: str) -> None:
        """The link of a rule goes down, or comes up again."""
        placed = self._placed[name]
        rule, flap = placed.rule, placed.rule.then.flap
        assert flap is not None
        rule.is_down = not rule.is_down
        if rule.is_down:
            self._flags.mark(placed)
            self._slices.do(self._tear(placed)).addErrback(_failed)
        else:
            self._flags.unmark((placed,), self._placed.values())
        wait = flap.down if rule.is_down else flap.up
        self._timers[name].append(self.clock.callLater(wait, self._flap, name))
        self._timers[name] = [timer for timer in self._timers[name] if timer.active()]

    def _tear(self, placed: Placed) -> Iterator[None]:
        """Reset the connections to the devices of a rule, for as long as it has the link down."""
        covered = Coverage((placed,))
        near = {factory for factory, plan in self._listeners if covered.meets(plan)}
        for connection in self.hub.connections:
            protocol = connection.protocol  # type: ignore[attr-defined]
            if not placed.rule.is_down:
                return
            if protocol is None or protocol.factory not in near:  # it has ended, or is of others
                continue
            link = protocol.exchange.faults
            if link is not None and self._ends(placed, protocol.factory.devices_of(protocol), link):
                link.end("reset")
            yield

    def _cancel(self, name: str) -> None:
        for timer in self._timers.pop(name, ()):
            if timer.active():
                timer.cancel()


def _failed(failure: Failure) -> None:
    log.failure("connections of a link that went down could not be reset", failure)

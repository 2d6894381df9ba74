"""From the places of all groups to listeners; two devices on one place.

Many addresses on one port share ONE wildcard listener, unless every group that needs them says
``bind: each``; the kernel does not let ``0.0.0.0:P`` and ``127.0.0.1:P`` listen side by side, so one
wildcard takes everything on its port.  A port 0 is never shared, nor is a nameless pseudo-terminal; a serial
line is shared by all that name its device.  The one rule: collisions are found by comparing intervals of
addresses and sets of unit ids, never by listing places.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from simulator.config.endpoint import Endpoint
from simulator.config.placement import ListenerPlan, Place, Places, Span, host_of, unit_mask
from simulator.config.schemes import SCHEMES, default_unknown_unit

MAX_PAIRS = 100


@dataclass(frozen=True, slots=True)
class Wanted:
    """What one group asks for."""

    places: Places
    bind_each: bool = False
    unknown_unit: str | None = None


class Collision(NamedTuple):
    """Two devices on one place; the group that comes later in the file first."""

    group: int
    device: int
    other: int
    other_device: int
    place: Place


class Disagreement(NamedTuple):
    """Two groups behind one listener that want different answers for unknown units."""

    group: int
    other: int
    endpoint: str


class Clash(NamedTuple):
    """Two groups that want one socket or line for different things; both endpoints as they are written."""

    group: int
    other: int
    endpoint: str
    other_endpoint: str


@dataclass(frozen=True, slots=True)
class Listening:
    """The listeners, and what is wrong with them."""

    listeners: tuple[ListenerPlan, ...]
    collisions: tuple[Collision, ...]
    disagreements: tuple[Disagreement, ...]
    clashes: tuple[Clash, ...] = ()


_Key = tuple[str, bool, int, int]  # tcp, udp or a line; ipv6; port; 0 or a number of its own for each port 0
_Box = tuple[int, int, int, Span]  # first address, last address, unit ids as bits, the span


def plan_listening(groups: Sequence[Wanted]) -> Listening:
    """Listeners in the order of the file."""
    ports: dict[_Key, list[Span]] = {}
    own = 0
    for index, group in enumerate(groups):
        endpoint = group.places.endpoint
        for slot, port in group.places.ports():
            own += port == 0
            key = (_shared(endpoint), endpoint.ipv6, port, 0 if port else own)
            ports.setdefault(key, []).append(group.places.span(index, slot))
    listeners: list[ListenerPlan] = []
    disagreements: dict[tuple[int, int], Disagreement] = {}
    collisions: dict[tuple[int, int], Collision] = {}
    clashes: dict[tuple[int, int], Clash] = {}
    for (_, _, port, _), spans in ports.items():
        plans: list[ListenerPlan] = []
        for endpoint, alike in _by_scheme(groups, spans):
            for found in _collisions(alike, endpoint, port):
                collisions.setdefault((found.group, found.other), found)
            plans += _listeners(groups, alike, port)
        listeners += plans
        for plan in plans:
            for wrong in _disagreements(groups, plan):
                disagreements.setdefault((wrong.group, wrong.other), wrong)
        for clash in _clashes(groups, spans, plans):
            clashes.setdefault((clash.group, clash.other), clash)
    found_all = (collisions.values(), disagreements.values(), clashes.values())
    return Listening(tuple(listeners), *map(tuple, found_all))  # type: ignore[arg-type]


def _shared(endpoint: Endpoint) -> str:
    """What two endpoints with the same port must not both open: a transport, or a line."""
    if endpoint.line is None:
        return SCHEMES[endpoint.scheme].socket
    return endpoint.line.path or endpoint.line.link


def _by_scheme(groups: Sequence[Wanted], spans: Sequence[Span]) -> Iterator[tuple[Endpoint, list[Span]]]:
    """The spans of one port by scheme, each with the first endpoint of its kind."""
    found: dict[str, list[Span]] = {}
    for span in spans:
        found.setdefault(groups[span.group].places.endpoint.scheme, []).append(span)
    for alike in found.values():
        yield groups[alike[0].group].places.endpoint, alike


def _clashes(
    groups: Sequence[Wanted], spans: Sequence[Span], plans: Sequence[ListenerPlan]
) -> Iterator[Clash]:
    """Listeners of two schemes on one address, and settings of one line that differ."""
    first = groups[spans[0].group].places.endpoint
    if first.line is not None:
        for span in spans:
            endpoint = groups[span.group].places.endpoint
            if (endpoint.scheme, endpoint.line) != (first.scheme, first.line):
                yield Clash(span.group, spans[0].group, endpoint.text, first.text)
        return
    seen: dict[str, ListenerPlan] = {}  # by host; the first listener everywhere as ""
    everywhere = host_of(0, first.ipv6)
    for plan in plans:
        in_the_way = [seen.get(plan.host), seen.get("")]
        if plan.host == everywhere:
            in_the_way += [other for other in seen.values() if other.scheme != plan.scheme][:1]
            seen.setdefault("", plan)
        for other in filter(None, in_the_way):
            if other.scheme != plan.scheme:
                yield Clash(plan.spans[0].group, other.spans[0].group, plan.endpoint, other.endpoint)
                break
        seen.setdefault(plan.host, plan)


def _listeners(groups: Sequence[Wanted], spans: Sequence[Span], port: int) -> Iterator[ListenerPlan]:
    endpoint = groups[spans[0].group].places.endpoint
    ipv6 = endpoint.ipv6
    if endpoint.line is not None:
        yield _plan(groups, "", port, False, tuple(spans))
        return
    if any(span.step == 0 for span in spans) or _needs_wildcard(groups, spans):
        wildcard = len({(span.first_ip, span.last_ip) for span in spans}) > 1 or spans[0].step != 0
        yield _plan(groups, host_of(0, ipv6), port, wildcard, tuple(spans))
        return
    by_address: dict[int, list[Span]] = {}
    for span in spans:
        for ip in range(span.first_ip, span.last_ip + 1):
            by_address.setdefault(ip, []).append(_only(span, ip))
    for ip, here in by_address.items():
        yield _plan(groups, host_of(ip, ipv6), port, False, tuple(here))


def _needs_wildcard(groups: Sequence[Wanted], spans: Sequence[Span]) -> bool:
    """True when groups without ``bind: each`` have more than one address on the port."""
    shared = [span for span in spans if not groups[span.group].bind_each]
    if not shared:
        return False
    return min(span.first_ip for span in shared) != max(span.last_ip for span in shared)


def _only(span: Span, ip: int) -> Span:
    """The part of a span on one address."""
    if span.first_ip == span.last_ip:
        return span
    width = 1 if span.units is None else len(span.units)
    address = ip - span.first_ip
    count = min(width, span.count - address * width)
    return Span(ip, ip, span.group, span.first + address * span.step, span.step, span.units, count)


def _plan(
    groups: Sequence[Wanted], host: str, port: int, wildcard: bool, spans: tuple[Span, ...]
) -> ListenerPlan:
    endpoint = groups[spans[0].group].places.endpoint
    wanted = (groups[span.group].unknown_unit for span in spans)
    unknown_unit = next(filter(None, wanted), default_unknown_unit(endpoint.scheme))
    return ListenerPlan(
        endpoint.scheme, host, port, wildcard, spans, unknown_unit, endpoint.ipv6, endpoint.line
    )


def _disagreements(groups: Sequence[Wanted], plan: ListenerPlan) -> Iterator[Disagreement]:
    first = next((span.group for span in plan.spans if groups[span.group].unknown_unit), None)
    if first is None:
        return
    for span in plan.spans:
        if groups[span.group].unknown_unit not in (None, plan.unknown_unit):
            yield Disagreement(span.group, first, plan.endpoint)


def _collisions(spans: Sequence[Span], endpoint: Endpoint, port: int) -> Iterator[Collision]:
    """A sweep over the addresses: only boxes that are open together are compared.

    After ``MAX_PAIRS`` collisions a box is told with the first it hits only, so that a file of
    thousands of equal entries is refused in linear time.
    """
    if len(spans) < 2:
        return
    budget = MAX_PAIRS
    boxes = sorted((box for span in spans for box in _boxes(span)), key=lambda box: box[0])
    singles: dict[int, list[_Box]] = {}  # boxes of one address, by address
    wide: list[_Box] = []
    for box in boxes:
        wide = [other for other in wide if other[1] >= box[0]]
        here = singles.setdefault(box[0], []) if box[0] == box[1] else None
        near = (*wide, *(singles.get(box[0], ())))
        hit = None
        for other in near:
            if box[2] & other[2]:
                hit, budget = other, budget - 1
                yield _collision(box, other, endpoint, port)
                if budget <= 0:
                    break
        if hit is None or budget > 0 or box[2] & ~hit[2]:
            (wide if here is None else here).append(box)


def _boxes(span: Span) -> Iterator[_Box]:
    """Addresses that are fully used, and the last one when it is not."""
    width = 1 if span.units is None else len(span.units)
    full, rest = divmod(span.count, width)
    if span.step == 0:
        units = None if span.units is None else span.units[: span.count]
        yield span.first_ip, span.last_ip, unit_mask(units), span
        return
    if full:
        yield span.first_ip, span.first_ip + full - 1, unit_mask(span.units), span
    if rest and span.units is not None:
        yield span.last_ip, span.last_ip, unit_mask(span.units[:rest]), span


def _collision(box: _Box, other: _Box, endpoint: Endpoint, port: int) -> Collision:
    if box[3].group < other[3].group:
        box, other = other, box
    ip = max(box[0], other[0])
    common = box[2] & other[2]
    unit_id = (common & -common).bit_length() - 1
    devices = [
        span.device_at(ip, unit_id) or 0 for span in (box[3], other[3])
    ]  # 0 never steps in: both hold it
    any_unit = box[3].units is None and other[3].units is None
    unit = None if any_unit else unit_id
    place = Place(ip, endpoint.ipv6, port, unit, endpoint.scheme, endpoint.line)
    return Collision(box[3].group, devices[0], other[3].group, devices[1], place)

"""The plant in numbers, its devices in pages, one device in full.

The one rule: a page costs what is on it.  Devices are found by arithmetic on names and places; nothing is
made for those that are not shown.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from simulator.config.endpoint import Endpoint, parse_endpoint
from simulator.config.globs import Glob
from simulator.config.selection import Selection, SelectionFile, resolve
from simulator.control import results
from simulator.control.context import Control
from simulator.control.course import time
from simulator.device import OFFLINE, RECORDED
from simulator.documents.ranges import merge_ranges
from simulator.explanation.names import OBJECTS
from simulator.snapshots import snapshot
from simulator.watches import decoded

if TYPE_CHECKING:
    from simulator.config.plant import Group
    from simulator.fleet import Fleet
    from simulator.points import Point
    from simulator.tracks import Track

SHOWN = 100  # endpoints in the status
_COUNTERS = ("messages", "events", "exceptions", "no_responses", "naks", "busies", "bus_errors", "overruns")


def status(control: Control) -> results.PlantStatus:
    """How the plant is doing."""
    plant, hub = control.plant, control.plant.hub
    return {
        "name": plant.config.name,
        "devices": plant.devices,
        "offline": plant.outages.devices,
        "listeners": len(plant.factories),
        "endpoints": [factory.port.endpoint for factory in plant.factories[:SHOWN]],
        "connections": len(hub.connections),
        "accepted": hub.accepted - control.accepted,
        "refused": hub.refused - control.refused,
        "requests": control.all_requests,
        "faults_enabled": [name for name, rule in plant.faults.items() if rule.enabled],
        "scenarios_running": [name for name, each in plant.scenarios.items() if each.is_running],
        "recorded": len(control.recordings),
        "time": time(control),
    }


def devices(
    control: Control,
    name: str | None = None,
    tag: str | None = None,
    profile: str | None = None,
    endpoint: str | None = None,
    offset: int = 0,
    limit: int = 100,
) -> results.DevicePage:
    """A page of the devices that fit everything that is given, in the order of the plant file."""
    groups = control.plant.config.groups
    wanted: dict[str, Any] = {}
    if name:
        wanted["devices"] = (name if set("*?[") & set(name) else f"*{name}*",)
    if tag:
        wanted["tags"] = (tag,)
    if profile:
        wanted["profile"] = (profile,)
    found = resolve(SelectionFile(**wanted), groups)
    if endpoint:
        found = _at(found, endpoint, groups)
    page = [_row(control, group, index) for group, index in _page(found, offset, limit)]
    return {"total": found.count, "offset": offset, "devices": page}


def show(control: Control, device: str) -> results.DeviceState:
    """One device."""
    fleet, row, _ = control.one(device)
    group, index = fleet.owner(row)
    one = fleet.device(row)
    tracks = {track.point.name: track for track in fleet.tracks}
    return {
        "device": _row(control, group.index, index),
        "points": [
            _point(fleet, row, point, tracks.get(name)) for name, point in fleet.profile.points.items()
        ],
        "identity": {
            OBJECTS.get(number, f"0x{number:02X}"): value.decode("utf-8", "backslashreplace")
            for number, value in one.identity().items()
        },
        "counters": _counters(control, fleet, row),
        "recorded": bool(fleet.kind.aside[row] & RECORDED),
    }


def _page(found: Selection, offset: int, limit: int) -> Iterator[tuple[int, int]]:
    """(group, index) of the devices from ``offset`` on."""
    for group, start, stop in found:
        skipped = min(offset, stop - start)
        offset -= skipped
        taken = min(limit, stop - start - skipped)
        for index in range(start + skipped, start + skipped + taken):
            yield group, index
        limit -= taken
        if not limit:
            return


def _row(control: Control, number: int, index: int) -> results.DeviceRow:
    group = control.plant.config.groups[number]
    fleet, row, _ = control.plant.values.spans(Selection({number: ((index, index + 1),)}, (group,)))[0]
    place = group.place_of(index)
    return {
        "name": group.device_name(index),
        "profile": group.profile.name,
        "tags": list(group.tags),
        "endpoint": control.endpoint(number, index, place),
        "unit_id": place.unit_id,
        "online": not fleet.kind.aside[row] & OFFLINE,
        "requests": control.requests(fleet, row),
    }


def _point(fleet: Fleet, row: int, point: Point, track: Track | None) -> results.PointState:
    data = snapshot(fleet, row, row + 1, point)(row)
    held = None if track is None else track.held()
    return {
        "name": point.name,
        "value": results.plain(decoded(point, data)),
        "unit": point.unit_of_measurement,
        "table": point.table.label,
        "address": point.address,
        "reference": point.reference,
        "raw": raw_numbers(data, point.quantity, bits=point.table.is_bits),
        "data_type": point.data_type.name,
        "access": str(point.access),
        "held": held is not None and bool(held[row]),
        "generator": None if point.generator is None else point.generator.type_name,
        "description": point.description,
    }


def raw_numbers(data: bytes, quantity: int, *, bits: bool) -> list[int]:
    """Registers, or bits, of wire bytes."""
    if bits:
        return [data[place >> 3] >> (place & 7) & 1 for place in range(quantity)]
    return [int.from_bytes(data[place : place + 2], "big") for place in range(0, 2 * quantity, 2)]


def _counters(control: Control, fleet: Fleet, row: int) -> dict[str, int]:
    """What its diagnostics count; a device that never had anything but plain requests has no state yet."""
    state = fleet.kind.states.get(row)
    counted = {"requests": control.requests(fleet, row)}
    if state is not None:
        counted.update({name: int(getattr(state, name)) for name in _COUNTERS})
    return counted


def _at(found: Selection, text: str, groups: tuple[Group, ...]) -> Selection:
    """Of some devices those at an endpoint, or whose endpoint is written so in the plant file."""
    place = None if set("*?[") & set(text.replace("://[", "")) else _parsed(text)
    spans: dict[int, tuple[tuple[int, int], ...]] = {}
    for number, runs in found.spans.items():
        group = groups[number]
        if group.endpoint.text == text or Glob(text).matches(group.endpoint.text):
            spans[number] = runs
        elif place is not None and (here := _devices_at(group, place)) is not None:
            cut = ((max(start, here[0]), min(stop, here[1])) for start, stop in runs)
            inside = merge_ranges((start, stop - 1) for start, stop in cut if start < stop)
            spans[number] = tuple((start, last + 1) for start, last in inside)
    return Selection(spans, groups)


def _parsed(text: str) -> Endpoint | None:
    """An endpoint; None for a text that is none, and so finds nothing."""
    try:
        return parse_endpoint(text)
    except ValueError:
        return None


def _devices_at(group: Group, place: Endpoint) -> tuple[int, int] | None:
    """The devices of a group on the one address and port of an endpoint; None when there are none."""
    own, places = group.endpoint, group.places
    is_one = place.addresses == 1 and place.port_count == 1 and not place.is_line and not own.is_line
    if not is_one or own.scheme != place.scheme or own.ipv6 != place.ipv6:
        return None
    address = place.first_ip - own.first_ip
    slot = next((slot for slot, port in places.ports() if port == place.ports[0][0]), None)
    if slot is None or not 0 <= address < places.addresses:
        return None
    first = (address * places.slots + slot) * places.width
    return first, min(first + places.width, group.count)

"""Which devices a rule or a step is about: by name, tag, group, profile and unit id.

``SelectionFile`` is what a file says, ``Selection`` the devices it means: per group, runs of indices.  Names
of a group are one template, so a pattern is matched against digits, not against a million names.  The one
rule: no object for each device, and a selection is exactly what naive matching of every name would find.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import PlainValidator, ValidationError, WithJsonSchema

from simulator.config.globs import Glob, matching_indices
from simulator.documents.models import FileModel
from simulator.documents.problems import show, suggest, unknown
from simulator.documents.ranges import Ranges, format_ranges, merge_ranges, parse_ranges

if TYPE_CHECKING:
    from simulator.config.plant import Group

MAX_UNIT_ID = 255  # one byte, TCP V1.0b §3.1.3

Runs = tuple[tuple[int, int], ...]  # half-open, in order, apart from each other

TEXTS_SCHEMA: dict[str, Any] = {
    "anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}, "minItems": 1}]
}


def _texts(value: object) -> tuple[str, ...]:
    """A text or a list of texts.  Raises ValueError."""
    listed = value if isinstance(value, (list, tuple)) else [value]
    if not listed:
        raise ValueError("list is empty, expected a text or a list of texts")
    for item in listed:
        if not isinstance(item, str) or not item:
            raise ValueError(f"entry is {show(item)}, expected a text or a list of texts")
    return tuple(listed)


def _unit_ranges(value: object) -> Ranges:
    return merge_ranges(parse_ranges(value, name="unit_id", maximum=MAX_UNIT_ID))


Texts = Annotated[tuple[str, ...], PlainValidator(_texts), WithJsonSchema(TEXTS_SCHEMA)]
UnitRanges = Annotated[
    Ranges,
    PlainValidator(_unit_ranges),
    WithJsonSchema({"anyOf": [{"type": "integer"}, {"type": "string"}, {"type": "array"}]}),
]


class SelectionFile(FileModel):
    """Devices: those that match every key that is given; without a key, all of them."""

    devices: Texts | None = None
    """Patterns of device names, one of which fits: * any text, ? one character, [a-c] one of these."""
    tags: Texts | None = None
    """Tags, one of which the device has."""
    group: Texts | None = None
    """Patterns of the name of an entry of devices as it is written, meter-{n:04} for example."""
    profile: Texts | None = None
    """Patterns of the name of the profile."""
    unit_id: UnitRanges | None = None
    """Unit ids of devices; one that answers any unit id has them all."""


class Selection:
    """Some devices of a plant: ``spans`` are runs of indices by the index of the group.

    Groups without a selected device are not in ``spans``; ``is_everything`` tells that every device of the
    plant is selected, ``count`` how many are.
    """

    __slots__ = ("count", "is_everything", "spans")

    def __init__(self, spans: Mapping[int, Runs], groups: Sequence[Group]) -> None:
        self.spans: dict[int, Runs] = {group: runs for group, runs in spans.items() if runs}
        self.count = sum(stop - start for runs in self.spans.values() for start, stop in runs)
        self.is_everything = self.count == sum(group.count for group in groups)

    def covers(self, group: int, index: int) -> bool:
        """True when device ``index`` of a group is selected."""
        runs = self.spans.get(group)
        if runs is None:
            return False
        place = bisect_right(runs, (index, 1 << 63)) - 1
        return place >= 0 and index < runs[place][1]

    def __iter__(self) -> Iterator[tuple[int, int, int]]:
        """(group, start, stop) of every run."""
        for group, runs in self.spans.items():
            for start, stop in runs:
                yield group, start, stop

    def __bool__(self) -> bool:
        return bool(self.spans)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Selection) and other.spans == self.spans

    def __hash__(self) -> int:
        return hash(tuple(sorted(self.spans.items())))

    def __repr__(self) -> str:
        return f"<Selection of {self.count} devices in {len(self.spans)} groups>"


Selectable = Selection | SelectionFile | Mapping[str, Any] | str | Iterable[str]


def select(what: Selectable, groups: Sequence[Group]) -> Selection:
    """The devices that a selection means; a text or a list of texts is one of device names.

    Raises ValueError for what is no selection, and for one with a pattern that fits nothing.
    """
    if isinstance(what, Selection):
        return what
    file = what if isinstance(what, SelectionFile) else _file(what)
    for _, message in mistakes(file, groups):
        raise ValueError(message)
    return resolve(file, groups)


def resolve(file: SelectionFile, groups: Sequence[Group]) -> Selection:
    """The devices that a selection means, none perhaps."""
    devices = _globs(file.devices)
    spans: dict[int, Runs] = {}
    for group in _groups(file, groups):
        runs: Runs = ((0, group.count),)
        if file.unit_id is not None:
            runs = _with_units(group, file.unit_id)
        if devices is not None and runs:
            runs = _common(runs, _named(group, devices))
        spans[group.index] = runs
    return Selection(spans, groups)


def mistakes(file: SelectionFile, groups: Sequence[Group]) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """What is wrong with a selection, with its path in the selection: each pattern has to fit something."""
    texts = [group.name.text for group in groups]
    profiles = sorted({group.profile.name for group in groups})
    tags = sorted({tag for group in groups for tag in group.tags})
    wrong = [
        *_unfit("devices", file.devices, lambda glob: _fits_device(glob, groups), "device", _names(groups)),
        *_unfit("group", file.group, lambda glob: any(map(glob.matches, texts)), "group", texts),
        *_unfit("profile", file.profile, lambda glob: any(map(glob.matches, profiles)), "profile", profiles),
    ]
    wrong += [
        (("tags",), unknown("tag", tag, tags)) for tag in file.tags or () if tag not in tags
    ]  # fmt: skip
    yield from wrong
    if not wrong and not resolve(file, groups):
        if file.unit_id is not None and resolve(file.model_copy(update={"unit_id": None}), groups):
            yield ("unit_id",), f"no device selected has unit_id {format_ranges(file.unit_id)}, expected one"
        else:
            yield (), "no device has all of this, expected a selection of one device or more"


def _file(what: Mapping[str, Any] | str | Iterable[str]) -> SelectionFile:
    keys = (
        dict(what) if isinstance(what, Mapping) else {"devices": what if isinstance(what, str) else [*what]}
    )
    try:
        return SelectionFile.model_validate(keys)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        if first["type"] == "extra_forbidden":
            raise ValueError(unknown("key", first["loc"][0], SelectionFile.model_fields)) from None
        reason = first.get("ctx", {}).get("error", first["msg"])
        raise ValueError(f"{'.'.join(map(str, first['loc']))}: {reason}") from None


def _globs(texts: Sequence[str] | None) -> list[Glob] | None:
    return None if texts is None else [Glob(text) for text in texts]


def _groups(file: SelectionFile, groups: Sequence[Group]) -> Iterator[Group]:
    """The groups that may have a device of the selection."""
    names, profiles = _globs(file.group), _globs(file.profile)
    for group in groups:
        if names is not None and not any(glob.matches(group.name.text) for glob in names):
            continue
        if profiles is not None and not any(glob.matches(group.profile.name) for glob in profiles):
            continue
        if file.tags is None or not set(file.tags).isdisjoint(group.tags):
            yield group


def _named(group: Group, globs: Iterable[Glob]) -> Runs:
    return _union(run for glob in globs for run in matching_indices(glob, group.name, group.count))


def _with_units(group: Group, wanted: Ranges) -> Runs:
    """The devices with one of the unit ids, which turn fastest in a group."""
    units = group.places.units
    if units is None:
        return ((0, group.count),)
    right = _union(
        (place, place + 1)
        for place, unit in enumerate(units)
        if any(first <= unit <= last for first, last in wanted)
    )
    if right == ((0, len(units)),):
        return ((0, group.count),)
    starts = range(0, group.count, len(units)) if right else ()
    moved = ((first + start, min(first + stop, group.count)) for first in starts for start, stop in right)
    return _union((start, stop) for start, stop in moved if start < stop)


def _union(runs: Iterable[tuple[int, int]]) -> Runs:
    return tuple((start, last + 1) for start, last in merge_ranges((start, stop - 1) for start, stop in runs))


def _common(left: Runs, right: Runs) -> Runs:
    """What two lists of runs share."""
    found = []
    i = j = 0
    while i < len(left) and j < len(right):
        start, stop = max(left[i][0], right[j][0]), min(left[i][1], right[j][1])
        if start < stop:
            found.append((start, stop))
        if left[i][1] < right[j][1]:
            i += 1
        else:
            j += 1
    return tuple(found)


def _fits_device(glob: Glob, groups: Sequence[Group]) -> bool:
    return any(matching_indices(glob, group.name, group.count) for group in groups)


def _names(groups: Sequence[Group]) -> list[str]:
    """Names to be meant by a pattern that fits none: as templates, and the first of each group."""
    return [name for group in groups for name in dict.fromkeys((group.name.text, group.device_name(0)))]


def _unfit(
    key: str, texts: Sequence[str] | None, fits: Callable[[Glob], bool], what: str, legal: Sequence[str]
) -> Iterator[tuple[tuple[str | int, ...], str]]:
    for text in texts or ():
        if not fits(Glob(text)):
            hint = suggest(text, legal)
            expected = f"expected the name of a {what} or a pattern such as 'meter-*'"
            yield (key,), f"no {what} is named {show(text)}, {expected}" + (f"; {hint}" if hint else "")


def without(runs: Runs, others: Runs) -> Runs:
    """What of some runs none of the others holds."""
    found: list[tuple[int, int]] = []
    rivals = iter(others)
    rival = next(rivals, None)
    for start, stop in runs:
        while rival is not None and rival[0] < stop:
            if rival[1] > start:
                if rival[0] > start:
                    found.append((start, rival[0]))
                start = rival[1]
                if start >= stop:
                    break
            rival = next(rivals, None)
        if start < stop:
            found.append((start, stop))
    return tuple(found)

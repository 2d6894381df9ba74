"""One entry of ``devices``: check it against the schema, count its places, check its values.

The one rule: an entry with a mistake still has everything else about it checked, so that all of its
problems are reported together; but it takes no part in comparisons with other groups.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import ValidationError

from simulator.config.names import NameTemplate
from simulator.config.placement import Places
from simulator.config.schema import MAX_DEVICES, GroupFile
from simulator.config.schemes import SCHEMES
from simulator.config.unsupported import GROUP, take_unsupported
from simulator.documents.models import FileModel
from simulator.documents.problems import from_validation_error, one_of, show, unknown
from simulator.documents.templates import Template
from simulator.documents.yaml import Document, Path
from simulator.errors import Problem
from simulator.generators.numbers import Varying
from simulator.points import Point
from simulator.profiles.inputs import is_number
from simulator.profiles.profile import Profile
from simulator.profiles.quirks import CONNECTION_KEYS

GATEWAY_SCHEMES = ("tcp", "tls")  # a gateway keeps transaction ids and connections apart

Model = TypeVar("Model", bound=FileModel)


@dataclass(frozen=True, slots=True)
class Placed:
    """An entry without mistakes of its own, ready to be compared with others."""

    index: int
    file: GroupFile
    places: Places

    def name(self, i: int) -> str:
        """The name of device ``i``."""
        return self.file.name.format(i)


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry of ``devices`` on its way to a group."""

    index: int
    data: dict[Any, Any]
    file: GroupFile | None = None  # without its wrong keys; None when it cannot do without them
    placed: Placed | None = None  # None when anything is wrong with it

    @property
    def path(self) -> Path:
        """Where the entry stands in the file."""
        return ("devices", self.index)


def read_entry(document: Document, index: int, problems: list[Problem]) -> Entry:
    """The entry at ``devices.index``."""
    path: Path = ("devices", index)
    data = document.data["devices"][index]
    if not isinstance(data, dict):
        if path not in document.broken:
            problems.append(document.problem(path, f"entry is {show(data)}, expected a mapping"))
        return Entry(index, {})
    data = take_unsupported(document, data, path, GROUP, problems)
    file, is_sound = validate_most(GroupFile, data, document, path, problems)
    if file is not None:
        _check_listener(document, path, file, problems)
    places = _places(document, path, file, problems) if file is not None and is_sound else None
    if file is not None and places is not None and places.count > 1 and file.name.is_constant:
        file = file.model_copy(update={"name": NameTemplate(f"{file.name.text}-{{n}}")})
    return Entry(index, data, file, Placed(index, file, places) if file and places else None)


def validate_most(
    model: type[Model],
    data: dict[Any, Any],
    document: Document,
    path: Path,
    problems: list[Problem],
    shown: type[FileModel] | None = None,
) -> tuple[Model | None, bool]:
    """The model of ``data``, without its wrong keys when it can do without; and whether nothing was wrong.

    ``shown`` is the model whose keys messages list, when it is not ``model`` itself.
    """
    try:
        return model.model_validate(data), True
    except ValidationError as error:
        problems.extend(from_validation_error(document, error, path, shown or model))
        wrong = {detail["loc"][0] for detail in error.errors(include_url=False) if detail["loc"]}
    try:
        return model.model_validate({key: value for key, value in data.items() if key not in wrong}), False
    except ValidationError:
        return None, False


def check_parameters(document: Document, entry: Entry, profile: Profile, problems: list[Problem]) -> None:
    """Every parameter a group sets is one of its profile."""
    if entry.file is None:
        return
    for name in entry.file.parameters:
        if name not in profile.parameters:
            message = unknown("parameter", name, profile.parameters)
            problems.append(document.problem((*entry.path, "parameters", name), message, key=True))
        elif name in profile.numbers and not is_number(entry.file.parameters[name]):
            message = f"{name} is {show(entry.file.parameters[name])}, expected a number: formulas read it"
            problems.append(document.problem((*entry.path, "parameters", name), message))
        elif wrong := _unfit(name, entry, profile):
            problems.append(document.problem((*entry.path, "parameters", name), wrong))


def _unfit(name: str, entry: Entry, profile: Profile) -> str:
    """Why a parameter does not suit the generators that name it in a template; "" when it does."""
    parameters = {**profile.parameters, **(entry.file.parameters if entry.file else {})}
    last = entry.placed.places.count - 1 if entry.placed else 0
    for point in profile.points.values():
        for key, value in vars(point.generator).items() if point.generator else ():
            if isinstance(value, Varying) and name in value.template.fields:
                try:
                    value.over(0, 1, parameters)
                    value.over(last, 1, parameters)
                except ValueError as error:
                    return f"{name} does not suit {key.rstrip('_')} of {point.name}: {error}"
    return ""


def check_values(document: Document, entry: Entry, profile: Profile, problems: list[Problem]) -> None:
    """Every initial value is one of a point, and the point can take it."""
    file = entry.file
    if file is None:
        return
    for name, value in file.values.items():
        path = (*entry.path, "values", name)
        if (point := profile.points.get(name)) is None:
            problems.append(document.problem(path, unknown("point", name, profile.points), key=True))
        elif path not in document.broken:
            try:
                _check_value(point, value, entry, profile)
            except ValueError as error:
                problems.append(document.problem(path, str(error)))
    for point in profile.points.values():
        if point.name not in file.values and _is_template(point.value):
            try:
                _check_value(point, point.value, entry, profile)
            except ValueError as error:
                message = f"point {point.name}: {error}"
                problems.append(document.problem((*entry.path, "profile"), message))


def _is_template(value: object) -> bool:
    """Whether a value of a profile may be another one for each device."""
    if isinstance(value, list):
        return any(map(_is_template, value))
    return isinstance(value, str) and "{" in value


def _check_value(point: Point, value: object, entry: Entry, profile: Profile) -> None:
    """Encode the value as the first and the last device will have it."""
    last = entry.placed.places.count - 1 if entry.placed else 0
    for i in {0, last}:
        filled = _filled(point, value, i, entry, profile)
        point.encode(filled)
        point.validate(filled)


def _filled(point: Point, value: object, i: int, entry: Entry, profile: Profile) -> object:
    """The value of device ``i``: templates filled in, and read as numbers where the point is one."""
    if isinstance(value, list):
        return [_filled(point, element, i, entry, profile) for element in value]
    if not isinstance(value, str) or entry.file is None or value in (point.enum or {}).values():
        return value
    parameters = {**profile.parameters, **entry.file.parameters}
    template = Template(value, legal={"i", "n", "name", *parameters})
    if template.is_constant and not value.count("{"):
        return value
    text = template.render(i, **{**parameters, "name": entry.file.name.format(i)})
    if not point.data_type.is_numeric or text in (point.enum or {}).values():
        return text
    try:
        return float(text)
    except ValueError:
        raise ValueError(f"{show(value)} gives {show(text)} for device {i}, expected a number") from None


def _check_listener(document: Document, path: Path, file: GroupFile, problems: list[Problem]) -> None:
    """What the group wants of its listener suits the scheme of its endpoint."""
    scheme = file.endpoint.scheme
    if file.allow is not None and file.endpoint.line is not None:
        message = f"allow is given with {scheme}:, expected none: a serial line has no networks"
        problems.append(document.problem((*path, "allow"), message, key=True))
    has_connections = SCHEMES[scheme].transport in ("tcp", "tls")
    for key in file.quirks if isinstance(file.quirks, dict) and not has_connections else ():
        if key in CONNECTION_KEYS:
            message = f"{key} is given with {scheme}, expected none: it has no connections"
            problems.append(document.problem((*path, "quirks", key), message, key=True))
    if file.gateway is None:
        return
    if scheme not in GATEWAY_SCHEMES:
        message = f"gateway is given with {scheme}, expected an endpoint {one_of(GATEWAY_SCHEMES)}"
        problems.append(document.problem((*path, "gateway"), message, key=True))
    elif file.unit_id is not None and 0 in file.unit_id:
        message = "unit_id 0 speaks to every device behind a gateway, expected 1 to 255"  # V1.02 §2.2
        problems.append(document.problem((*path, "unit_id"), message))


def _places(document: Document, path: Path, file: GroupFile, problems: list[Problem]) -> Places | None:
    """The places of the entry, None with a problem when there are not enough of them."""
    endpoint, units = file.endpoint, file.unit_id
    if endpoint.is_line and units is not None and 0 in units:
        message = "unit_id 0 speaks to every device of a line, expected 1 to 255"  # V1.02 §2.2
        problems.append(document.problem((*path, "unit_id"), message))
        return None
    width = 1 if units is None else len(units)
    ports = endpoint.port_count
    capacity = endpoint.addresses * ports * width
    if file.count is None and capacity > MAX_DEVICES:
        message = f"count is missing for {capacity} places, expected 1 to {MAX_DEVICES}"
        problems.append(document.problem((*path, "endpoint"), message))
        return None
    count = file.count or capacity
    if count > capacity and not endpoint.free_port:
        parts = [_plural(endpoint.addresses, "address", "addresses"), _plural(ports, "port", "ports"),
                 "any unit id" if units is None else _plural(width, "unit id", "unit ids")]  # fmt: skip
        message = f"count is {count}, expected at most {capacity}, the places of {' × '.join(parts)}"
        problems.append(document.problem((*path, "count"), message))
        return None
    return Places(endpoint, units, count)


def _plural(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"

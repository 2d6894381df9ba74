"""Which generators there are, by the name a file gives as ``type``.

One rule: importing a module registers what it defines.  A name belongs to one class; a second owner is
refused with the name of the first.  ``make`` checks a mapping of the file: an unknown type is a
``ValueError``, wrong fields are a pydantic ``ValidationError`` with all of them, located in the mapping.
"""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from pydantic import ConfigDict, TypeAdapter

from simulator.documents.problems import one_of, show, unknown
from simulator.generators.base import Generator
from simulator.generators.numbers import Parameters

_BUILT_IN = (
    "waves",
    "series",
    "counting",
    "chance",
    "process",
    "control",
    "daylight",
    "schedule",
    "recorded",
    "scripted",
)
_TYPES: dict[str, type[Generator]] = {}

G = TypeVar("G", bound=Generator)


def generator(name: str) -> Callable[[type[G]], type[G]]:
    """Register a dataclass of ``Generator`` under ``name``; goes above ``@dataclass``.

    ::

        @generator("tide")
        @dataclass(frozen=True, kw_only=True)
        class Tide(Generator):
            height: Value = 1.0

            def sampler(self, rows, point):
                height = rows.number(self.height)
                return OfTime(lambda tick, t, height: height * math.sin(t / 7115), height)

    Its fields are the keys in files.  Raises ValueError for a name that is taken and for a class that is no
    dataclass.
    """

    def register(cls: type[G]) -> type[G]:
        owner = _TYPES.get(name)
        if owner is not None:
            place = f"{owner.__module__}.{owner.__qualname__}"
            raise ValueError(f"generator {name} is registered by {place}, expected another name")
        if "__dataclass_fields__" not in cls.__dict__:
            raise ValueError(f"generator {name} is no dataclass, expected @dataclass below @generator")
        cls.type_name = name
        cls.__pydantic_config__ = ConfigDict(extra="forbid", allow_inf_nan=False)  # type: ignore[attr-defined]
        _TYPES[name] = cls
        return cls

    return register


def types() -> Mapping[str, type[Generator]]:
    """Every registered generator by name."""
    for module in _BUILT_IN:
        importlib.import_module(f"simulator.generators.{module}")
    return _TYPES


def make(spec: object, parameters: Parameters | None = None, folder: str = "") -> Generator:
    """The generator of ``{"type": "sine", "min": 0, …}``.

    ``parameters`` are the names, with their values, that templates may use beside ``i`` and ``n``; without
    them any name is taken and found out when the generator is bound.  ``folder`` is where a file that the
    mapping names is searched: that of the file it stands in.
    """
    if not isinstance(spec, Mapping):
        raise ValueError(f"generator is {show(spec)}, expected a mapping with a type")
    known = types()
    if "type" not in spec:
        raise ValueError(f"type is missing, expected {one_of(list(known))}")
    if not isinstance(spec["type"], str) or spec["type"] not in known:
        raise ValueError(unknown("generator", spec["type"], known))
    fields = {name: value for name, value in spec.items() if name != "type"}
    cls = known[spec["type"]]
    if isinstance(name := fields.get(cls.file_key), str) and name:
        fields[cls.file_key] = cls.beside(name, folder)
    return _adapter(cls).validate_python(fields, context=parameters)


def json_schema() -> dict[str, Any]:
    """The JSON Schema of a generator: one of the mappings that ``make`` takes."""
    return {"oneOf": [_with_type(name, _adapter(cls).json_schema()) for name, cls in types().items()]}


def _with_type(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    schema["properties"] = {"type": {"const": name}, **schema["properties"]}
    schema["required"] = ["type", *schema.get("required", [])]
    return schema


@functools.cache
def _adapter(cls: type[Generator]) -> TypeAdapter[Generator]:
    return TypeAdapter(cls)

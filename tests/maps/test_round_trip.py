"""Profile -> register map -> profile keeps every point."""

from __future__ import annotations

import contextlib
import io
import json
import math
from dataclasses import replace
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from simulator.datatypes import ByteOrder, data_type
from simulator.documents.yaml import read_text
from simulator.errors import ConfigError
from simulator.maps import profile_text, write
from simulator.points import Point
from simulator.profiles.loader import ProfileLibrary, profile_in
from simulator.profiles.maps.document import map_of
from simulator.profiles.profile import Profile
from simulator.protocol.codes import Table

FORMATS = ("csv", "json", "xml")
NAMES = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,12}", fullmatch=True)
TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Cn")), max_size=12)
LINES = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Cn"), include_characters="\t\n"),
    max_size=12,
)
NUMBERS = (
    "uint16",
    "int16",
    "uint32",
    "int32",
    "uint64",
    "int64",
    "float32",
    "float64",
    "bcd16",
    "bcd64",
    "acc32",
    "enum16",
)


def written(profile: Profile, format: str) -> str:
    file = io.StringIO()
    write(profile, file, format=format)
    return file.getvalue()


def read(text: str, format: str) -> Profile:
    return profile_in(map_of(text, f"map.{format}", f".{format}"), "map")


@st.composite
def numeric(draw: st.DrawFn, name: str, address: int) -> Point:
    kind = data_type(draw(st.sampled_from(NUMBERS)), order=draw(st.sampled_from(ByteOrder)))
    table = draw(st.sampled_from((Table.INPUT_REGISTER, Table.HOLDING_REGISTER)))
    is_scaled = kind.family in ("int", "float", "bcd")
    scale = draw(st.sampled_from((1.0, 0.1, 1e-07, 2.5, 1000.0))) if is_scaled else 1.0
    count = draw(st.integers(1, 3))
    value: Any = draw(st.integers(0, 9))
    minimum = draw(st.none() | st.floats(-1e6, 0))
    return Point(
        name, table, address, kind, count=count, scale=scale, unit_of_measurement=draw(TEXTS).strip(),
        precision=draw(st.none() | st.integers(0, 15)), description=draw(LINES), min=minimum,
        max=draw(st.none() | st.floats(1e5, 1e6)), value=[value * scale] * count if count > 1 else value * scale,
        on_invalid=draw(st.sampled_from(("illegal_data_value", "ignore", "clamp"))),
        hold=draw(st.sampled_from((math.inf, 0.0, 0.25, 90.0))), overlap=draw(st.booleans()),
        access=draw(st.sampled_from(("ro", "rw", "wo"))) if table.is_writable else "ro",
    )  # fmt: skip


@st.composite
def other(draw: st.DrawFn, name: str, address: int) -> Point:
    holding = Table.HOLDING_REGISTER
    labels = st.dictionaries(st.integers(0, 15), TEXTS.filter(str.strip), min_size=1, max_size=3)
    names = draw(labels.filter(lambda each: len(set(each.values())) == len(each)))
    text = draw(TEXTS.filter(lambda text: "{" not in text and "}" not in text))
    points = (
        Point(name, Table.COIL, address, data_type("bool"), value=draw(st.booleans())),
        Point(name, Table.DISCRETE_INPUT, address, data_type("bool"), count=2, value=[True, False]),
        Point(name, holding, address, data_type("bool"), bit=draw(st.integers(0, 15)), value=True),
        Point(name, holding, address, data_type("uint16"), enum=names, value=next(iter(names.values()))),
        Point(name, holding, address, data_type("bits"), bits=names, value=list(names.values())),
        Point(name, holding, address, data_type("bits", length=2), bits=names, value=dict.fromkeys(names.values(), True)),
        Point(name, holding, address, data_type("string", length=20, string_order="BA", padding="space"), value=text),
        Point(name, holding, address, data_type("raw", length=2), value=[1, 65535]),
        Point(name, holding, address, data_type("ipaddr"), value="10.0.0.7"),
    )  # fmt: skip
    found = draw(st.sampled_from(points))
    return replace(found, value=None) if isinstance(found.value, str) and "{" in found.value else found


@st.composite
def profiles(draw: st.DrawFn) -> Profile:
    names = draw(st.lists(NAMES, min_size=1, max_size=6, unique=True))
    points = {
        name: draw(draw(st.sampled_from((numeric, other)))(name, 100 * place))
        for place, name in enumerate(names)
    }
    return Profile("p", points=points)


@pytest.mark.parametrize("format", FORMATS)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(profile=profiles())
def test_any_profile(format: str, profile: Profile) -> None:
    assert read(written(profile, format), format).points == profile.points


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(profile=profiles())
def test_the_text_of_a_profile_file_loads_as_the_map_does(profile: Profile) -> None:
    document = map_of(written(profile, "json"), "map.json", ".json")
    text = profile_text({"name": "p", **document.data})
    assert profile_in(read_text(text, file="p.yaml", environ={}), "p").points == profile.points


@pytest.mark.parametrize(
    "name", [name for name in ProfileLibrary().names() if ProfileLibrary().get(name).points]
)
@pytest.mark.parametrize("format", FORMATS)
def test_every_shipped_profile_but_for_what_moves_it(name: str, format: str) -> None:
    profile = ProfileLibrary().get(name)
    found = read(written(profile, format), format).points
    for name, point in profile.points.items():
        templated = isinstance(point.value, str) and "{" in point.value
        value = found[name].value if templated else point.value
        assert found[name] == replace(point, generator=None, value=value)


@pytest.mark.parametrize("format", FORMATS)
def test_a_bit_whose_name_is_a_number(format: str) -> None:
    point = Point("a", Table.HOLDING_REGISTER, 0, data_type("bits"), bits={3: "0", 0: "1"}, value=["0"])
    assert read(written(Profile("p", points={"a": point}), format), format).points == {"a": point}


@given(st.text(max_size=300), st.sampled_from(FORMATS))
def test_no_text_ends_in_anything_but_a_profile_or_problems(text: str, format: str) -> None:
    with contextlib.suppress(ConfigError):
        read(text, format)


FIELDS = st.sampled_from(
    ("name", "table", "address", "type", "size", "value", "bits", "device", "coils", "1", "hr", "x")
)
WORDS = st.sampled_from(
    ("hr", "co", "1", "0x10", "40001", "int16", "string", "[1", "{", "9999999", "a b", "", "-1", "1.5")
)
SCALARS = WORDS | st.integers(-9, 99999) | st.floats() | st.booleans() | st.none()
NESTED = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(FIELDS, inner, max_size=5)
)


@given(NESTED)
def test_no_nesting_in_json_ends_in_anything_but_a_profile_or_problems(data: Any) -> None:
    with contextlib.suppress(ConfigError):
        read(json.dumps(data), "json")


TREES = st.recursive(
    st.tuples(FIELDS.filter(str.isalpha), st.dictionaries(FIELDS.filter(str.isalpha), WORDS), st.just([])),
    lambda inner: st.tuples(
        FIELDS.filter(str.isalpha), st.dictionaries(FIELDS.filter(str.isalpha), WORDS), st.lists(inner)
    ),
)


def element(tree: Any) -> ElementTree.Element:
    name, attributes, children = tree
    made = ElementTree.Element(name, attributes)
    made.extend(map(element, children))
    return made


@given(TREES)
def test_no_nesting_in_xml_ends_in_anything_but_a_profile_or_problems(tree: Any) -> None:
    with contextlib.suppress(ConfigError):
        read(ElementTree.tostring(element(tree), encoding="unicode"), "xml")


@given(
    st.lists(
        st.lists(st.text("0123456789abxhr.,;-=[]{}\"' \n", max_size=6), min_size=9, max_size=9), max_size=4
    )
)
def test_no_cell_ends_in_anything_but_a_profile_or_problems(rows: list[list[str]]) -> None:
    header = "name|table|address|data_type|count|enum|bits|bit|value"
    lines = ["|".join('"' + cell.replace('"', '""') + '"' for cell in row) for row in rows]
    with contextlib.suppress(ConfigError):
        read("\n".join([header, *lines]), "csv")

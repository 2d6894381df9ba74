"""Profiles by name: where they are found, and what a group overrides."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from simulator.documents.yaml import read_text
from simulator.errors import ConfigError
from simulator.generators.series import Constant
from simulator.generators.waves import Sine
from simulator.profiles.loader import ProfileLibrary
from simulator.profiles.profile import Profile
from simulator.protocol.codes import Table

Load = Callable[..., Profile]
Complaints = Callable[..., list[str]]

SHIPPED = [
    "battery-bms",
    "energy-meter",
    "generic",
    "pdu",
    "plc-tank",
    "sunspec-inverter",
    "temperature-loop",
    "ups",
    "vfd",
    "weather-station",
]


def refusal(library: ProfileLibrary, name: str, **more: object) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        library.resolve(name, **more)  # type: ignore[arg-type]
    return [str(problem) for problem in caught.value.problems]


def test_the_shipped_profiles_are_there() -> None:
    assert ProfileLibrary().names() == SHIPPED


def test_an_unknown_profile_names_those_that_there_are() -> None:
    listed = f"{', '.join(SHIPPED[:-1])} or {SHIPPED[-1]}"
    assert refusal(ProfileLibrary(), "energy-metre") == [
        f"profile: unknown profile 'energy-metre', expected {listed}; did you mean 'energy-meter'?"
    ]
    assert "energy-metre" not in ProfileLibrary()
    assert "energy-meter" in ProfileLibrary()


@pytest.mark.parametrize("name", ["../library/ups", "/etc/passwd", "", ".", "ups.yaml"])
def test_a_name_is_no_path(name: str) -> None:
    assert name not in ProfileLibrary()


def test_an_unknown_profile_is_told_at_its_group() -> None:
    document = read_text("devices:\n  - name: a\n    profile: upss\n", file="plant.yaml")
    (found,) = refusal(ProfileLibrary(), "upss", document=document, at=("devices", 0))
    assert found.startswith("plant.yaml:3:14: devices.0.profile: unknown profile 'upss', expected ")


def test_a_profile_is_known_by_its_name_or_by_its_file(tmp_path: Path) -> None:
    (tmp_path / "file_one.yaml").write_text("name: meter-one\ndescription: one")
    (tmp_path / "two.yml").write_text("description: two")
    (tmp_path / "notes.txt").write_text("description: no profile")
    library = ProfileLibrary([tmp_path])
    assert set(library.names()) - set(SHIPPED) == {"meter-one", "two"}
    assert library.get("meter-one").description == library.get("file_one").description == "one"
    assert (library.get("two").name, library.get("two").source) == ("two", str(tmp_path / "two.yml"))


def test_two_files_of_one_name_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("name: same")
    (tmp_path / "b.yaml").write_text("# b\nname: same")
    assert refusal(ProfileLibrary([tmp_path]), "same") == [
        f"{tmp_path}/b.yaml:2:7: name: profile 'same' is defined in {tmp_path}/a.yaml too, expected it once"
    ]


def test_the_plant_file_comes_before_folders_and_folders_before_the_library(tmp_path: Path) -> None:
    first, second = tmp_path / "1", tmp_path / "2"
    for folder in (first, second):
        folder.mkdir()
        (folder / "ups.yaml").write_text(f"description: folder {folder.name}")
    assert ProfileLibrary([first, second]).get("ups").description == "folder 1"
    inline = {"ups": {"description": "inline"}}
    assert ProfileLibrary([first], inline).get("ups").description == "inline"
    assert ProfileLibrary().get("ups").identity[0] == "Acme Power"


def test_a_folder_that_is_missing_is_told_where_it_is_named(tmp_path: Path) -> None:
    (tmp_path / "here").mkdir()
    folders = [str(tmp_path / "here"), str(tmp_path / "gone")]
    document = read_text(f"profiles: ['{folders[0]}', '{folders[1]}']", file="plant.yaml")
    column = 16 + len(folders[0])
    with pytest.raises(ConfigError) as caught:
        ProfileLibrary(folders, document=document)
    message = f"folder '{folders[1]}' does not exist, expected a folder of profiles"
    assert str(caught.value) == f"plant.yaml:1:{column}: profiles.1: {message}"
    with pytest.raises(ConfigError) as caught:
        ProfileLibrary(folders)
    assert str(caught.value) == f"{folders[1]}: {message}"


def test_a_file_that_cannot_be_read_is_told_when_its_profile_is_wanted(tmp_path: Path) -> None:
    (tmp_path / "broken.yaml").write_text("a: [\n")
    library = ProfileLibrary([tmp_path])
    assert "broken" in library
    assert "broken" in library.names()
    assert library.get("ups").name == "ups"
    message = "did not find expected node content while parsing a flow node"
    assert refusal(library, "broken") == [f"{tmp_path}/broken.yaml:2:1: YAML syntax: {message}"]
    (unknown, why) = refusal(library, "other")
    assert unknown.startswith("profile: unknown profile 'other', expected ")
    assert why.startswith(f"{tmp_path}/broken.yaml:2:1: YAML syntax: ")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("- 1", "p.yaml:1:1: profile is a list, expected a mapping"),
        ("text", "p.yaml:1:1: profile is 'text', expected a mapping"),
        ("", "p.yaml: profile is null, expected a mapping"),
        ("version: 2", "p.yaml:1:10: version: version is 2, expected 1"),
        ("extends: 5", "p.yaml:1:10: extends: extends is 5, expected text"),
        ("points: [a]", "p.yaml:1:9: points: points is a list, expected a mapping"),
        ("points: {1: {address: 2}}", "p.yaml:1:10: points.1: key is 1, expected text"),
        (
            "read_only: refuse",
            (
                "p.yaml:1:12: read_only: read_only is 'refuse', "
                "expected illegal_data_address, illegal_function or ignore"
            ),
        ),
        (
            "swap: word\nbyte_order: ABCD",
            "p.yaml:1:7: swap: swap is word beside byte_order ABCD, expected one of the two keys",
        ),
    ],
)
def test_a_mistake_in_the_head_is_told(complaints: Complaints, text: str, expected: str) -> None:
    assert complaints(text) == [expected]


def test_inline_profiles_tell_their_mistakes_in_the_plant_file() -> None:
    text = "profiles:\n  mine:\n    points: {a: {table: hr, address: x}}\n"
    document = read_text(text, file="plant.yaml")
    library = ProfileLibrary(inline=document.data["profiles"], document=document)
    message = "profiles.mine.points.a.address: address is 'x', expected a number such as 40 or 0x28"
    assert refusal(library, "mine") == [f"plant.yaml:3:38: {message}"]
    assert refusal(ProfileLibrary(inline=document.data["profiles"]), "mine") == [f"inline: {message}"]


PLANT = """\
devices:
  - name: a
    profile: mine
    generators:
      level: {max: 9, interval: 2s}
      state: {type: constant, value: 4}
      extra: {type: constant, value: 5}
"""
MINE = """
points:
  level: {table: hr, address: 0, generator: {type: sine, min: 0, max: 5, period: 8s}}
  state: {table: hr, address: 1, generator: {type: toggle}}
  extra: {table: hr, address: 2}
"""


def _mine() -> ProfileLibrary:
    return ProfileLibrary(inline={"mine": read_text(MINE, file="mine.yaml").data})


def test_a_group_overrides_generators_by_point_name() -> None:
    document = read_text(PLANT, file="plant.yaml")
    overrides = {"generators": document.data["devices"][0]["generators"]}
    points = _mine().resolve("mine", overrides, document=document, at=("devices", 0)).points
    assert points["level"].generator == Sine(min=0.0, max=9.0, period=8.0, interval=2.0)
    assert points["state"].generator == Constant(value=4.0)
    assert points["extra"].generator == Constant(value=5.0)


def test_a_wrong_override_is_told_in_the_plant_file() -> None:
    text = (
        "devices:\n  - generators:\n      levl: {max: 9}\n      level: {mx: 9}\n      state: {type: sine}\n"
    )
    document = read_text(text, file="plant.yaml")
    overrides = {"generators": document.data["devices"][0]["generators"]}
    at = "plant.yaml:3:7: devices.0.generators"
    assert refusal(_mine(), "mine", overrides=overrides, document=document, at=("devices", 0)) == [
        f"{at}.levl: unknown point 'levl', expected level, state or extra; did you mean 'level'?",
        (
            "plant.yaml:4:15: devices.0.generators.level.mx: unknown key 'mx', "
            "expected interval, noise, min, max, period, phase or duty; did you mean 'max'?"
        ),
        "plant.yaml:5:14: devices.0.generators.state.max: max is missing, expected it here",
        "plant.yaml:5:14: devices.0.generators.state.min: min is missing, expected it here",
    ]


def test_only_generators_can_be_overridden() -> None:
    assert refusal(_mine(), "mine", overrides={"poinst": {"a": 1}, "generators": [1], "faults": [1]}) == [
        "overrides: poinst: unknown override 'poinst', expected generators, quirks or faults",
        "overrides: generators: generators is a list, expected a mapping of generators by point name",
        "overrides: faults: faults is a list, expected a mapping of faults by name",
    ]


def test_the_same_profile_with_the_same_overrides_is_the_same_object() -> None:
    library = _mine()
    one, two = {"generators": {"level": {"max": 7}}}, {"generators": {"level": {"max": 8}}}
    assert library.resolve("mine") is library.get("mine") is library.resolve("mine", {"generators": {}})
    assert library.resolve("mine", one) is library.resolve("mine", dict(one))
    assert library.resolve("mine", one) is not library.resolve("mine", two)


def test_a_layout_knows_its_addresses(load: Load) -> None:
    profile = load(
        "points: {b: {table: hr, address: 5}, a: {table: hr, address: 2}, c: {table: ir, address: 1}}"
    )
    assert [point.name for point in profile.points_of(Table.HOLDING_REGISTER)] == ["a", "b"]
    assert profile.points_of(Table.COIL) == ()

"""Register maps as profiles of a plant."""

from __future__ import annotations

from pathlib import Path

import pytest

from simulator.config.loader import parse_plant
from simulator.errors import ConfigError
from simulator.profiles.loader import ProfileLibrary

MAP = "name,table,address,data_type,value\nlevel,hr,4,uint16,7\n"
PLANT = 'profiles: [kinds]\ndevices: [{name: d, profile: tank, endpoint: "tcp://127.0.0.1:5020"}]\n'


@pytest.fixture
def kinds(tmp_path: Path) -> Path:
    folder = tmp_path / "kinds"
    folder.mkdir()
    return folder


def test_a_map_in_a_folder_is_a_profile(kinds: Path) -> None:
    (kinds / "tank.csv").write_text(MAP)
    config = parse_plant(PLANT, file=str(kinds.parent / "plant.yaml"))
    assert config.groups[0].profile.points["level"].value == 7
    assert config.groups[0].profile.name == "tank"


def test_a_map_with_a_problem_is_refused_with_its_place(kinds: Path) -> None:
    (kinds / "tank.csv").write_text(MAP + "limit,hr,5,uint17,\n")
    with pytest.raises(ConfigError) as caught:
        parse_plant(PLANT, file=str(kinds.parent / "plant.yaml"))
    assert "tank.csv:3:12: points.limit.data_type: data type is 'uint17'" in str(caught.value)


def test_a_profile_may_extend_a_map(kinds: Path) -> None:
    (kinds / "tank.csv").write_text(MAP)
    (kinds / "better.yaml").write_text("extends: tank\npoints: {level: {value: 9}}\n")
    assert ProfileLibrary([kinds]).get("better").points["level"].value == 9


def test_a_profile_file_of_the_same_name_wins(kinds: Path) -> None:
    (kinds / "tank.csv").write_text(MAP)
    (kinds / "tank.yaml").write_text("points: {level: {table: coil, address: 0}}\n")
    assert ProfileLibrary([kinds]).get("tank").points["level"].table.label == "coil"


def test_recordings_beside_profiles_are_no_profiles(kinds: Path) -> None:
    (kinds / "day.csv").write_text("time,power\n0,1\n60,2\n")
    (kinds / "tank.csv").write_text(MAP)
    names = ProfileLibrary([kinds]).names()
    assert "tank" in names
    assert "day" not in names


def test_a_large_recording_costs_a_look_at_its_head(kinds: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (kinds / "year.csv").write_text("time,power\n" + "0,1\n" * 100_000)
    monkeypatch.setattr("simulator.profiles.maps.document.read_map", None)
    assert "year" not in ProfileLibrary([kinds]).names()


def test_two_maps_of_one_name(kinds: Path) -> None:
    (kinds / "tank.csv").write_text(MAP)
    (kinds / "tank.json").write_text('[{"name": "level", "table": "hr", "address": 4}]')
    with pytest.raises(
        ConfigError, match=r"tank\.json: profile 'tank' is in tank\.csv too, expected it once"
    ):
        ProfileLibrary([kinds]).get("tank")

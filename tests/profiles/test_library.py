"""The shipped profiles: what a tester expects of each of them."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest

from simulator.documents.templates import Template
from simulator.documents.yaml import read_file
from simulator.generators.base import Generator
from simulator.points import Point
from simulator.profiles.loader import ProfileLibrary
from simulator.profiles.profile import Profile
from simulator.profiles.sources import LIBRARY
from simulator.protocol.codes import Table

NAMES = ProfileLibrary().names()
WITH_POINTS = [name for name in NAMES if name != "generic"]
PROFILES = {name: ProfileLibrary().get(name) for name in NAMES}


@pytest.mark.parametrize("name", NAMES)
def test_a_profile_says_what_it_is(name: str) -> None:
    profile = PROFILES[name]
    assert profile.name == name == Path(profile.source).stem
    assert len(profile.description) > 20
    assert profile.identity.keys() >= {0, 1, 2, 4, 5, 6}
    assert profile.identity[6] == "{name}"


@pytest.mark.parametrize("name", WITH_POINTS)
def test_a_profile_has_the_points_of_its_kind(name: str) -> None:
    points = PROFILES[name].points
    assert 35 <= len(points) <= 70
    assert sum(point.generator is not None for point in points.values()) >= 5
    assert len({point.generator.type_name for point in points.values() if point.generator}) >= 4


@pytest.mark.parametrize("name", WITH_POINTS)
def test_every_device_has_a_serial_number_of_its_own(name: str) -> None:
    profile = PROFILES[name]
    serial = profile.points["serial_number"]
    template = Template(str(serial.value))
    texts = {template.render(i, name="x", **profile.parameters) for i in (0, 1, 999_999)}
    assert len(texts) == 3
    for text in texts:  # fits, also for the millionth device
        assert serial.decode(serial.encode(text)) == text


@pytest.mark.parametrize("name", WITH_POINTS)
def test_a_measured_point_has_a_unit(name: str) -> None:
    for point in PROFILES[name].points.values():
        if point.data_type.family == "float" or point.scale != 1:
            dimensionless = any(
                word in point.name for word in ("power_factor", "ph", "ratio", "uv_index", "gain")
            )
            assert point.unit_of_measurement or dimensionless, point.name


def _extremes(generator: Generator) -> list[float]:
    """The ends of what a generator may give, as far as its fields tell."""
    numbers = {field.name: getattr(generator, field.name) for field in fields(generator)}
    noise = numbers["noise"]
    found = [
        numbers[name] for name in ("min", "max", "initial", "value") if isinstance(numbers.get(name), float)
    ]
    if "mean" in numbers:
        reach = 6.7 * numbers["deviation"]
        found += [numbers["mean"] - reach, numbers["mean"] + reach]
    return [end + sign * noise for end in found for sign in (-1, 1)]


@pytest.mark.parametrize("name", WITH_POINTS)
def test_no_generator_leaves_its_data_type(name: str) -> None:
    for point in PROFILES[name].points.values():
        if point.generator is not None and point.data_type.family not in ("bool", "bits"):
            for end in _extremes(point.generator):
                if not (point.data_type.minimum == 0 and end < 0):
                    assert point.encode(end), point.name
                else:
                    assert end > -point.scale / 2, point.name


@pytest.mark.parametrize("name", WITH_POINTS)
def test_stepped_states_have_labels(name: str) -> None:
    for point in PROFILES[name].points.values():
        if point.enum and point.generator and point.generator.type_name == "step":
            assert set(point.generator.values) <= point.enum.keys()  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", NAMES)
def test_a_profile_file_is_readable(name: str) -> None:
    file = LIBRARY / f"{name}.yaml"
    assert read_file(file).problems == []
    assert file.read_text().startswith(f"name: {name}\n")


def _places(profile: Profile) -> dict[str, tuple[Table, int, str]]:
    return {
        name: (point.table, point.address, point.data_type.name) for name, point in profile.points.items()
    }


def test_generic_has_every_address() -> None:
    assert [(table.kind, table.ranges) for table in PROFILES["generic"].tables.values()] == [
        ("sequential", ((0, 65536),))
    ] * 4


def test_the_energy_meter_has_the_points_of_the_format() -> None:
    places = _places(PROFILES["energy-meter"])
    assert places["voltage_l1"] == (Table.INPUT_REGISTER, 0, "float32")
    assert places["energy"] == (Table.INPUT_REGISTER, 72, "uint32")
    assert places["serial_number"] == (Table.HOLDING_REGISTER, 100, "string")
    assert PROFILES["energy-meter"].parameters["rated_power"] == 9000


def test_the_drive_is_written_in_references() -> None:
    places = _places(PROFILES["vfd"])
    assert places["control_word"] == (Table.HOLDING_REGISTER, 0, "bits")
    assert places["start"] == (Table.COIL, 0, "bool")
    assert places["running"] == (Table.DISCRETE_INPUT, 0, "bool")
    assert PROFILES["vfd"].points["run_time"].data_type.order.value == "CDAB"


def _word(profile: Profile, address: int) -> int:
    layout = profile.tables[Table.HOLDING_REGISTER]
    for point in profile.points_of(Table.HOLDING_REGISTER):
        if point.address == address and isinstance(point.value, int):
            return int.from_bytes(point.encode(point.value), "big")
    return layout.values.get(address, layout.fill)


def test_a_sunspec_client_finds_its_models() -> None:
    profile = PROFILES["sunspec-inverter"]
    assert [_word(profile, 40000), _word(profile, 40001)] == [0x5375, 0x6E53]  # "SunS"
    models, address = [], 40002
    while (model := _word(profile, address)) != 0xFFFF:
        models.append((model, address))
        address += 2 + _word(profile, address + 1)
    assert models == [(1, 40002), (103, 40070), (120, 40122), (123, 40150)]
    assert profile.tables[Table.HOLDING_REGISTER].ranges == ((40000, address + 2),)


@pytest.mark.parametrize(
    ("factor", "names"),
    [
        ("ac_current_sf", ["ac_current", "ac_current_l1", "ac_current_l2", "ac_current_l3"]),
        ("ac_voltage_sf", ["ac_voltage_l1_l2", "ac_voltage_l1", "ac_voltage_l3"]),
        ("ac_power_sf", ["ac_power"]),
        ("frequency_sf", ["frequency"]),
        ("power_factor_sf", ["power_factor"]),
        ("dc_current_sf", ["dc_current"]),
        ("dc_voltage_sf", ["dc_voltage"]),
        ("temperature_sf", ["cabinet_temperature", "heat_sink_temperature"]),
        ("rated_current_sf", ["rated_current"]),
        ("rated_power_factor_sf", ["rated_power_factor"]),
        ("power_limit_sf", ["power_limit"]),
        ("power_factor_setpoint_sf", ["power_factor_setpoint"]),
        ("reactive_power_limit_sf", ["reactive_power_limit"]),
    ],
)
def test_sunspec_scale_factors_tell_the_scale(factor: str, names: list[str]) -> None:
    points = PROFILES["sunspec-inverter"].points
    exponent = points[factor].value
    assert isinstance(exponent, int)
    assert [points[name].scale for name in names] == pytest.approx([10.0**exponent] * len(names))


def test_the_battery_switches_by_bits_of_one_register() -> None:
    points = PROFILES["battery-bms"].points
    switches = [point for point in points.values() if point.bit is not None]
    assert [(point.name, point.address, point.bit) for point in switches] == [
        ("charge_enable", 10, 0),
        ("discharge_enable", 10, 1),
        ("precharge", 10, 2),
        ("fault_reset", 10, 15),
    ]


@pytest.mark.parametrize("name", WITH_POINTS)
def test_initial_values_come_back_as_written(name: str) -> None:
    for point in PROFILES[name].points.values():
        if point.value is not None and not isinstance(point.value, str):
            assert _same(point, point.decode(point.encode(point.value))), point.name


def _same(point: Point, value: object) -> bool:
    if isinstance(point.value, list) and point.count > 1:
        return value == pytest.approx(point.value)
    if point.enum and not isinstance(point.value, str):
        return value == point.enum.get(int(point.value), point.value)  # type: ignore[call-overload]
    if isinstance(point.value, list):
        return sorted(map(str, value)) == sorted(map(str, point.value))  # type: ignore[call-overload]
    return value == pytest.approx(point.value)

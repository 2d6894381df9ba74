"""Loading a plant file: what it means when it is right, and every problem at once when it is not."""

from __future__ import annotations

import gc
import sys
from pathlib import Path

import pytest

from simulator.config.loader import load_plant, parse_plant
from simulator.config.names import NameTemplate
from simulator.config.placement import Places
from simulator.config.plant import Limits, PlantConfig
from simulator.documents.problems import one_of
from simulator.errors import ConfigError
from simulator.generators.waves import Sine
from simulator.profiles.loader import ProfileLibrary

PROFILES = """
profiles:
  meter:
    parameters: {rated: 100, site: north}
    points:
      power: {table: input_register, address: 0, data_type: int16, scale: 0.1,
              generator: {type: sine, min: 0, max: 10, period: 60s}}
      setpoint: {table: holding_register, address: 0, data_type: int16, min: 0, max: 50}
      mode: {table: holding_register, address: 1, data_type: uint16, enum: {0: stop, 1: run}}
      serial: {table: holding_register, address: 10, data_type: string, length: 3}
      trio: {table: holding_register, address: 20, data_type: uint16, count: 3}
      start: {table: coil, address: 0}
"""
LINES = PROFILES.count("\n")  # the text of a test begins one line below


def plant(devices: str, **keys: object) -> PlantConfig:
    return parse_plant(PROFILES + devices, file="p.yaml", **keys)  # type: ignore[arg-type]


def problems(devices: str, profiles: str = PROFILES) -> list[str]:
    """Problems as ``line:column: path: message``; line 1 is the first of ``devices``."""
    with pytest.raises(ConfigError) as caught:
        parse_plant(profiles + devices, file="p.yaml", environ={})
    found = []
    for problem in caught.value.problems:
        assert problem.file == "p.yaml"
        found.append(
            f"{problem.line - profiles.count(chr(10))}:{problem.column}: {problem.path}: {problem.message}"
        )
    return found


ONE = "devices:\n  - name: m\n    profile: meter\n    endpoint: tcp://127.0.0.1:502\n"


def test_a_plant_with_everything() -> None:
    config = plant(
        """version: 1
name: north
seed: 0x10
limits: {max_connections: 100, max_connections_per_device: 4, max_connections_per_host: 2, idle_timeout: 1m}
devices:
  - name: "meter-{n:04}"
    profile: meter
    count: 10
    endpoint: tcp://127.0.0.1:20001-21000
    unit_id: 1
    tags: [feeder-a, metering]
    parameters: {rated: 5000}
    values: {serial: "SN{n:03}", setpoint: 21, mode: run, trio: [1, 2, 3], start: true}
    generators: {power: {max: 20}}
    unknown_unit: ignore
    bind: each
  - {name: any, profile: meter, endpoint: "tcp://[::1]", unit_id: any}
"""
    )
    assert (config.name, config.seed, config.source, config.device_count) == ("north", 16, "p.yaml", 11)
    assert config.limits == Limits(100, 4, 2, 60.0)
    group, single = config.groups
    assert (group.index, group.count, group.tags) == (0, 10, ("feeder-a", "metering"))
    assert group.device_name(3) == "meter-0004"
    assert str(group.place_of(3)) == "tcp://127.0.0.1:20004 unit id 1"
    assert group.parameters == {"rated": 5000}
    assert group.values["serial"] == "SN{n:03}"
    assert (group.unknown_unit, group.bind_each) == ("ignore", True)
    assert group.position == f"p.yaml:{LINES + 6}:5"
    assert group.endpoint.text == "tcp://127.0.0.1:20001-21000"
    generator = group.profile.points["power"].generator
    assert isinstance(generator, Sine)
    assert (generator.min, generator.max) == (0, 20)
    assert str(single.place_of(0)) == "tcp://[::1]:502 any unit id"
    assert single.unknown_unit == "gateway_target_failed"
    assert [listener.endpoint for listener in config.listeners][-1] == "tcp://[::1]:502"
    assert len(config.listeners) == 11


def test_a_device_is_found_by_name() -> None:
    config = plant(
        """devices:
  - {name: "a{n}", profile: meter, endpoint: "tcp://127.0.0.1:1-9"}
  - {name: a0, profile: meter, endpoint: "tcp://127.0.0.1:10"}
"""
    )
    assert config.find("a7") == (config.groups[0], 6)
    assert config.find("a0") == (config.groups[1], 0)
    assert config.find("a10") is None


def test_what_the_file_leaves_out_has_a_default() -> None:
    config = plant(ONE)
    (group,) = config.groups
    assert (config.name, config.seed, config.limits) == ("plant", 0, Limits())
    assert (group.count, group.tags, group.parameters, group.values) == (1, (), {}, {})
    assert str(group.place_of(0)) == "tcp://127.0.0.1:502 unit id 1"


@pytest.mark.parametrize(
    ("endpoint", "unit_id", "count"),
    [
        ("tcp://127.0.0.1:601-610", "1", 10),
        ("tcp://127.0.0.0/29:502", "1", 6),
        ("tcp://127.0.0.1-127.0.0.4:1-3", "1-5", 60),
        ("tcp://127.0.0.1:502", "1,7,9", 3),
        ("tcp://127.0.0.1-127.0.0.4:0", "1-2", 8),
        ("tcp://127.0.0.1-127.0.0.4:502", "any", 4),
        ("tcp://0.0.0.0:502", "1-2", 2),
    ],
)
def test_count_is_the_number_of_places_when_it_is_left_out(endpoint: str, unit_id: str, count: int) -> None:
    (group,) = plant(
        f'devices: [{{name: "m{{n}}", profile: meter, endpoint: "{endpoint}", unit_id: "{unit_id}"}}]'
    ).groups
    assert group.count == count


def test_the_seed_of_the_command_line_wins() -> None:
    assert plant("seed: 7\n" + ONE).seed == 7
    assert plant("seed: 7\n" + ONE, seed=9).seed == 9
    assert plant("seed: 7\n" + ONE, seed=0).seed == 0


def test_groups_with_the_same_profile_and_overrides_share_the_profile_object() -> None:
    devices = "".join(
        f"  - {{name: m{i}, profile: meter, endpoint: 'tcp://127.0.0.1:{600 + i}', {more}}}\n"
        for i, more in enumerate(
            [
                "tags: [a]",
                "values: {setpoint: 1}",
                "generators: {power: {max: 5}}",
                "generators: {power: {max: 5}}",
            ]
        )
    )
    first, second, third, fourth = (group.profile for group in plant("devices:\n" + devices).groups)
    assert first is second
    assert third is fourth
    assert first is not third


def test_profiles_are_searched_in_folders_beside_the_file(tmp_path: Path) -> None:
    (tmp_path / "kinds").mkdir()
    (tmp_path / "kinds" / "lamp.yaml").write_text("points: {on: {table: coil, address: 0}}\n")
    file = tmp_path / "plant.yaml"
    file.write_text("profiles: [kinds]\ndevices: [{name: l, profile: lamp, endpoint: 'tcp://127.0.0.1:0'}]\n")
    config = load_plant(file)
    assert list(config.groups[0].profile.points) == ["on"]
    assert config.source == str(file)


def test_a_folder_that_does_not_exist_is_told_and_the_rest_is_checked(tmp_path: Path) -> None:
    (tmp_path / "kinds").mkdir()
    (tmp_path / "kinds" / "lamp.yaml").write_text("points: {on: {table: coil, address: 0}}\n")
    file = tmp_path / "plant.yaml"
    file.write_text(
        "profiles: [kinds, knids]\n"
        "devices:\n"
        "  - {name: l, profile: lamp, endpoint: 'tcp://127.0.0.1:1'}\n"
        "  - {name: k, profile: lump, endpoint: 'tcp://127.0.0.1:2'}\n"
    )
    with pytest.raises(ConfigError) as caught:
        load_plant(file)
    folder, profile = map(str, caught.value.problems)
    assert folder == (
        f"{file}:1:19: profiles.1: folder '{tmp_path / 'knids'}' does not exist, expected a folder of "
        f"profiles"
    )
    assert profile.startswith(f"{file}:4:24: devices.1.profile: unknown profile 'lump', expected ")
    assert profile.endswith("; did you mean 'lamp'?")


def test_problems_of_plant_and_profiles_come_together(tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text("points:\n  x: {table: coil, address: 70000}\n")
    file = tmp_path / "plant.yaml"
    file.write_text(
        "profiles: [.]\nsede: 5\n"
        "devices:\n"
        "  - {name: a, profile: bad, endpoint: 'tcp://127.0.0.1:1'}\n"
        "  - {name: b, profile: bad, endpoint: 'tcp://127.0.0.1:1', unit: 3}\n"
    )
    with pytest.raises(ConfigError) as caught:
        load_plant(file)
    found = [(Path(problem.file).name, problem.line, problem.path) for problem in caught.value.problems]
    assert found == [
        ("bad.yaml", 2, "points.x.address"),
        ("plant.yaml", 2, "sede"),
        ("plant.yaml", 5, "devices.1.unit"),
    ]


def test_all_problems_of_a_file_come_together() -> None:
    text = """version: 2
sede: 7
limits: {max_connections: 0, idle_timeout: 60}
devices:
  - name: "m{n}"
    profile: meter
    count: 20
    endpoint: tcp://127.0.0.1:601-610
  - name: "m{n}"
    profile: metr
    endpoint: tcp://127.0.0.300:601
    unit_id: 300
  - profile: meter
    cuont: 5
    endpoint: tcp://127.0.0.1:700
    values: {power: high, setpiont: 3}
  - 7
  - name: x
    profile: meter
    endpoint: tcp://127.0.0.1:800
  - name: x
    profile: meter
    endpoint: tcp://127.0.0.1:800
"""
    names = sorted([*ProfileLibrary().names(), "meter"])
    assert problems(text) == [
        "1:10: version: version is 2, expected 1",
        (
            "2:1: sede: unknown key 'sede', expected version, name, seed, scripts, clock, control, signals, profiles, "
            "plugins, limits, faults, scenarios, tls, state or devices; did you mean 'seed'?"
        ),
        "3:27: limits.max_connections: max_connections is 0, expected 1 or more",
        (
            "3:44: limits.idle_timeout: duration is the bare number 60, expected a number and a "
            "unit, such as 250ms, 2s, 5m, 1h or 1d"
        ),
        (
            "7:12: devices.0.count: count is 20, expected at most 10, the places of 1 address × 10 ports "
            "× 1 unit id"
        ),
        (
            f"10:14: devices.1.profile: unknown profile 'metr', expected {one_of(names)}; "
            "did you mean 'meter'?"
        ),
        (
            "11:15: devices.1.endpoint: address is '127.0.0.300' in 'tcp://127.0.0.300:601', "
            "expected an IPv4 address such as 127.0.0.1"
        ),
        "12:14: devices.1.unit_id: unit_id is 300, expected 0 to 255",
        "13:5: devices.2.name: name is missing, expected it here",
        (
            "14:5: devices.2.cuont: unknown key 'cuont', expected name, profile, count, endpoint, unit_id, "
            "unknown_unit, bind, tags, parameters, values, generators, quirks, faults, allow, gateway or tls; "
            "did you mean 'count'?"
        ),
        "17:5: devices.3: entry is 7, expected a mapping",
        (
            f"21:11: devices.5.name: device 0 is named 'x', the name of device 0 of devices.4 "
            f"(p.yaml:{LINES + 18}:5), expected another name"
        ),
        (
            f"23:15: devices.5.endpoint: 'x' is at tcp://127.0.0.1:800 unit id 1, the place of 'x' "
            f"(p.yaml:{LINES + 18}:5), expected a place of its own"
        ),
    ]


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ("count: 0", "5:12: devices.0.count: count is 0, expected 1 or more"),
        ("count: '5'", "5:12: devices.0.count: count is '5', expected a whole number"),
        ("count: 16777217", "5:12: devices.0.count: count is 16777217, expected 16777216 or less"),
        ("tags: a", "5:11: devices.0.tags: tags is 'a', expected a list"),
        ("tags: [yes, 5]", "5:17: devices.0.tags.1: entry is 5, expected text"),
        (
            "unit_id: ''",
            "5:14: devices.0.unit_id: unit_id is '', expected 0 to 255, a range such as 1-247, or any",
        ),
        ("bind: every", "5:11: devices.0.bind: bind is 'every', expected each"),
        (
            "unknown_unit: silent",
            (
                "5:19: devices.0.unknown_unit: unknown_unit is 'silent', expected ignore, "
                "gateway_path_unavailable "
                "or gateway_target_failed"
            ),
        ),
        (
            "profile: meter",
            "5:5: devices.0.profile: key 'profile' is a duplicate, expected it once (first on line 15)",
        ),
        (
            "parameters: {ratd: 5}",
            (
                "5:18: devices.0.parameters.ratd: unknown parameter 'ratd', expected rated or site; did "
                "you mean 'rated'?"
            ),
        ),
        (
            "parameters: {rated: [5]}",
            "5:25: devices.0.parameters.rated: rated is a list, expected a whole number, a number or text",
        ),
        (
            "values: {setpiont: 5}",
            (
                "5:14: devices.0.values.setpiont: unknown point 'setpiont', expected power, "
                "setpoint, mode, serial, "
                "trio or start; did you mean 'setpoint'?"
            ),
        ),
        (
            'values: {setpoint: "{i}x"}',
            "5:24: devices.0.values.setpoint: '{i}x' gives '0x' for device 0, expected a number",
        ),
        (
            'values: {serial: "{x}"}',
            (
                "5:22: devices.0.values.serial: '{x}' uses {x}, expected one of {i}, {n}, {name}, "
                "{rated}, {site}"
            ),
        ),
        (
            "generators: {powr: {max: 5}}",
            (
                "5:18: devices.0.generators.powr: unknown point 'powr', expected power, setpoint, "
                "mode, serial, trio "
                "or start; did you mean 'power'?"
            ),
        ),
        ("generators: {power: 5}", "5:25: devices.0.generators.power: power is 5, expected a mapping"),
        (
            "tags: ['${NOPE}']",
            (
                "5:12: devices.0.tags.0: environment variable NOPE is not set, expected a value or "
                "${NOPE:-default}"
            ),
        ),
    ],
)
def test_one_mistake_in_a_group(more: str, message: str) -> None:
    assert problems(f"{ONE}    {more}\n") == [message]


@pytest.mark.parametrize(
    ("head", "message"),
    [
        ("name: ''", "1:7: name: name is '', expected 1 or more characters"),
        ("seed: -1", "1:7: seed: seed is -1, expected 0 or more"),
        ("seed: 1.5", "1:7: seed: seed is 1.5, expected a whole number"),
        ("limits: 5", "1:9: limits: limits is 5, expected a mapping"),
        ("clock: {time_scale: 0}", "1:21: clock.time_scale: time_scale is 0, expected 0.001 to 100000"),
        ("signals: []", "1:10: signals: signals is an empty list, expected a mapping"),
        (
            "control: {console: 127.0.0.1:8022, http: 127.0.0.1:8080}",
            "1:11: control.console: not supported by this version",
        ),
        ("record: {}", "1:1: record: not supported by this version"),
        ("state: {}", "1:8: state.file: file is missing, expected it here"),
        ("store: {type: memory}", "1:1: store: not supported by this version"),
        ("workers: auto", "1:1: workers: not supported by this version"),
        ("plugins: json", "1:10: plugins: plugins is 'json', expected a list"),
        (
            "plugins: [json, no_such_module_anywhere]",
            (
                "1:17: plugins.1: plugin 'no_such_module_anywhere' cannot be imported (ModuleNotFoundError: "
                "No module named 'no_such_module_anywhere')"
            ),
        ),
    ],
)
def test_one_mistake_in_the_head(head: str, message: str) -> None:
    assert problems(f"{head}\n{ONE}") == [message]


def test_a_plugin_that_fails_is_told_and_one_that_works_is_imported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "plugin_that_fails.py").write_text("raise RuntimeError('no licence')\n")
    (tmp_path / "plugin_that_works.py").write_text("LOADED = True\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert problems("plugins: [plugin_that_works, plugin_that_fails]\n" + ONE) == [
        "1:30: plugins.1: plugin 'plugin_that_fails' cannot be imported (RuntimeError: no licence)"
    ]
    assert sys.modules.pop("plugin_that_works").LOADED


def test_a_plugin_may_stand_beside_the_plant_file(tmp_path: Path) -> None:
    (tmp_path / "plugins_of_mine").mkdir()
    (tmp_path / "plugins_of_mine" / "waves.py").write_text("LOADED = True\n")
    (tmp_path / "plant.yaml").write_text("plugins: [plugins_of_mine.waves]\n" + PROFILES + ONE)
    try:
        assert load_plant(tmp_path / "plant.yaml").device_count == 1
    finally:
        sys.modules.pop("plugins_of_mine", None)
        assert sys.modules.pop("plugins_of_mine.waves").LOADED
    assert str(tmp_path) not in sys.path


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "p.yaml: file is empty, expected a plant: a mapping with devices"),
        ("# nothing\n", "p.yaml: file is empty, expected a plant: a mapping with devices"),
        ("[1]", "p.yaml:1:1: file is a list, expected a plant: a mapping with devices"),
        ("name: x", "p.yaml:1:1: devices: devices is missing, expected a list of devices"),
        ("devices: []", "p.yaml:1:10: devices: devices is an empty list, expected a list of devices"),
        ("devices: {a: 1}", "p.yaml:1:10: devices: devices is a mapping, expected a list of devices"),
        ("devices:", "p.yaml:1:9: devices: devices is null, expected a list of devices"),
        (
            "devices: [",
            "p.yaml:2:1: YAML syntax: did not find expected node content while parsing a flow node",
        ),
    ],
)
def test_what_is_no_plant(text: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_plant(text, file="p.yaml")
    assert str(caught.value) == message


def test_a_name_without_numbers_gets_them_where_there_are_several_devices() -> None:
    config = plant("devices:\n  - {name: pump, profile: meter, endpoint: 'tcp://127.0.0.1:601-603'}\n")
    assert [config.groups[0].device_name(i) for i in range(3)] == ["pump-1", "pump-2", "pump-3"]
    config = plant("devices:\n  - {name: pump, profile: meter, endpoint: 'tcp://127.0.0.1:601'}\n")
    assert config.groups[0].device_name(0) == "pump"


def test_devices_that_cannot_be_told_apart() -> None:
    same = "devices:\n  - {name: 'pump-{n:.0e}', profile: meter, endpoint: 'tcp://127.0.0.1:601-613'}\n"
    assert problems(same) == [
        (
            "2:12: devices.0.name: 13 devices are named 'pump-{n:.0e}', devices 9 and 10 both "
            "'pump-1e+01', expected {i} or {n} to tell them apart"
        )
    ]


def test_two_devices_on_one_place_in_a_million() -> None:
    text = """devices:
  - {name: "a{n}", profile: meter, endpoint: "tcp://127.64.0.0/12:502", unit_id: 126, count: 1000000}
  - {name: b, profile: meter, endpoint: "tcp://127.70.0.9:502", unit_id: 100-126}
"""
    device = (70 - 64) * 65536 + 9
    text = text.replace("name: b", 'name: "b{n}"')
    assert problems(text) == [
        (
            f"3:46: devices.1.endpoint: 'b27' is at tcp://127.70.0.9:502 unit id 126, the place of "
            f"'a{device}' "
            f"(p.yaml:{LINES + 2}:5), expected a place of its own"
        )
    ]


def test_groups_behind_one_listener_agree_about_unknown_units() -> None:
    text = """devices:
  - {name: a, profile: meter, endpoint: "tcp://127.0.0.1", unknown_unit: ignore}
  - {name: b, profile: meter, endpoint: "tcp://127.0.0.1", unit_id: 2, unknown_unit: gateway_path_unavailable}
"""
    assert problems(text) == [
        (
            "3:86: devices.1.unknown_unit: unknown_unit is gateway_path_unavailable on the listener "
            f"tcp://127.0.0.1:502 it shares with devices.0 (p.yaml:{LINES + 2}:5), expected ignore too"
        )
    ]


def test_too_many_places_need_a_count() -> None:
    text = 'devices:\n  - {name: "a{n}", profile: meter, endpoint: "tcp://[fd00::/64]:502"}\n'
    assert problems(text) == [
        "2:46: devices.0.endpoint: count is missing for 18446744073709551616 places, expected 1 to 16777216"
    ]
    assert plant(text.replace("}\n", ", count: 5}\n").replace("a{n, count: 5}", "a{n}")).device_count == 5


def test_values_are_checked_for_the_last_device_too() -> None:
    group = '{name: "a{n}", profile: meter, endpoint: "tcp://127.0.0.1:1-60", values: {setpoint: "{n}"}}'
    text = f"devices: [{group}]"
    (problem,) = problems(text)
    assert problem.startswith("1:95: devices.0.values.setpoint: ")
    assert "60" in problem
    assert plant(text.replace("1-60", "1-50")).device_count == 50


@pytest.mark.parametrize(
    "value", ["{mode: rnu}", "{setpoint: 60}", "{trio: [1, 2]}", "{serial: 5}", "{start: 7}"]
)
def test_a_value_that_its_point_cannot_take_is_told_at_its_place(value: str) -> None:
    name = value[1:].partition(":")[0]
    (problem,) = problems(f"{ONE}    values: {value}\n")
    assert problem.startswith(f"5:{16 + len(name)}: devices.0.values.{name}: ")
    assert ", got " in problem
    assert "expected " in problem


def test_a_value_of_the_profile_is_checked_for_the_last_device_too() -> None:
    text = """
profiles: {box: {points: {number: {table: hr, address: 0, data_type: int8, value: [1, "{n}"], count: 2}}}}
devices: [{name: "a-{n}", profile: box, endpoint: "tcp://127.0.0.1:0", unit_id: 1-200}]
"""
    with pytest.raises(ConfigError) as raised:
        parse_plant(text, file="plant.yaml")
    assert str(raised.value) == (
        "plant.yaml:3:36: devices.0.profile: point number: value does not fit int8, got 200.0, "
        "expected -128 to 127"
    )


def test_variables_come_from_the_environment_given() -> None:
    text = ONE.replace("127.0.0.1:502", "127.0.0.1:${PORT}")
    assert plant(text, environ={"PORT": "777"}).listeners[0].port == 777


def test_ten_thousand_entries_share_one_profile() -> None:
    entry = (
        "  - {{name: m{0}, profile: meter, endpoint: 'tcp://127.0.0.1:{1}', parameters: {{rated: {0}}}, "
        "values: {{serial: S{0}}}}}\n"
    )
    text = "devices:\n" + "".join(entry.format(i, 20000 + i) for i in range(10_000))
    config = plant(text)
    assert (len(config.groups), len(config.listeners)) == (10_000, 10_000)
    assert len({id(group.profile) for group in config.groups}) == 1
    assert config.find("m9999") == (config.groups[9999], 0)
    assert gc.isenabled()


def test_a_million_devices_load_without_a_name_or_place_made(monkeypatch: pytest.MonkeyPatch) -> None:
    text = 'devices: [{name: "a{n}", profile: meter, endpoint: "tcp://127.64.0.0/12:502", count: 1000000}]'
    made: list[int] = []
    monkeypatch.setattr(NameTemplate, "format", lambda self, i: made.append(i))
    monkeypatch.setattr(Places, "place_of", lambda self, i: made.append(i))
    assert plant(text).device_count == 1_000_000
    assert len(made) < 10

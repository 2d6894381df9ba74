"""``modsim explain``: a point down to the frame that reads it; the frame is the one a plant answers."""

from __future__ import annotations

import json

import pytest

PLANT = """\
seed: 7
devices:
  - {name: "d-{n}", profile: box, count: 12, endpoint: "tcp://127.0.0.1-127.0.0.2:5020-5021", unit_id: 5-7,
     values: {serial: "SN{n:04}", speed: 61.5}}
  - {name: single, profile: box, endpoint: "tcp://[::1]:0", unit_id: any}
profiles:
  box:
    byte_order: CDAB
    points:
      speed:  {table: holding_register, address: 10, data_type: int16, scale: 0.5, offset: -10,
               unit_of_measurement: rpm, description: of the shaft}
      power:  {table: input_register, address: 4, data_type: float32, value: 1.5}
      serial: {table: holding_register, address: 20, data_type: string, length: 3, access: ro}
      fault:  {table: holding_register, address: 30, data_type: bool, bit: 3, value: true}
      lamp:   {table: coil, address: 7, data_type: bool, count: 3, value: [true, false, true]}
      level:  {table: input_register, address: 9, data_type: uint16,
               generator: {type: random, min: 0, max: 60000, interval: 1h}}
"""


@pytest.fixture
def explain(modsim, tmp_path):
    """The lines of an explanation, by what they are about."""
    (tmp_path / "plant.yaml").write_text(PLANT)

    def explained(device: str, point: str) -> dict[str, str]:
        result = modsim("explain", "plant.yaml", device, point)
        assert (result.returncode, result.stderr) == (0, "")
        lines = result.stdout.splitlines()
        return {"title": lines[0]} | {line[:11].strip() or "more": line[11:].strip() for line in lines[1:]}

    return explained


def test_a_scaled_register(explain):
    lines = explain("d-8", "speed")
    assert lines["title"] == "speed: of the shaft"
    assert lines["endpoint"] == "tcp://127.0.0.2:5020 unit id 6"  # unit ids, then ports, then addresses
    assert lines["table"] == "holding_register, function 3 (read holding registers)"
    assert lines["address"] == "10 on the wire, reference 400011"
    assert lines["data type"] == "int16; value = raw × 0.5 -10"
    assert lines["request"] == "00 01 00 00 00 06 06 03 00 0a 00 01"
    assert lines["more"] == "function 3, address 10, quantity 1, unit id 6"
    assert lines["response"] == "00 01 00 00 00 05 06 03 02 00 8f"
    assert lines["raw"] == "0x008F"
    assert lines["value"] == "61.5 rpm"


def test_two_registers_in_another_order(explain):
    lines = explain("d-1", "power")
    assert lines["address"] == "4 to 5 on the wire, reference 300005"
    assert lines["data type"] == "float32 CDAB"
    assert lines["request"].endswith("05 04 00 04 00 02")
    assert lines["raw"] == "0x0000 0x3FC0"
    assert lines["value"] == "1.5"


def test_a_text_of_one_device(explain):
    lines = explain("d-12", "serial")
    assert lines["data type"] == "string of 3 registers"
    assert lines["access"] == "ro"
    assert lines["value"] == "SN0012"


def test_a_bit_of_a_register(explain):
    lines = explain("d-1", "fault")
    assert lines["address"] == "30, bit 3 on the wire, reference 400031"
    assert lines["raw"] == "0x0008"
    assert lines["value"] == "True"


def test_bits_of_a_device_that_answers_every_unit_id(explain):
    lines = explain("single", "lamp")
    assert lines["endpoint"] == "tcp://[::1]:0 any unit id"
    assert lines["address"] == "7 to 9 on the wire, reference 000008"
    assert lines["request"] == "00 01 00 00 00 06 01 01 00 07 00 03"
    assert lines["response"].endswith("01 01 05")
    assert lines["raw"] == "1 0 1"


def test_a_generated_point_has_the_value_that_a_plant_starts_with(explain, start, tmp_path, ask):
    lines = explain("single", "level")
    assert lines["moves by"] == "random (interval 3600.0, noise 0.0, min 0.0, max 60000.0)"
    (tmp_path / "run.yaml").write_text(PLANT.replace("127.0.0.1-127.0.0.2:5020-5021", "127.0.0.1:0"))
    start("run", "run.yaml", "--ready-file", "ready.json").wait_ready()
    endpoint = json.loads((tmp_path / "ready.json").read_text())["endpoints"][-1]
    answer = ask(int(endpoint.rpartition(":")[2]), lines["request"][21:], host="::1")
    assert answer == lines["response"][21:]


def test_what_a_write_causes_and_who_writes_a_point(explain, tmp_path):
    reacting = "lamp:   {on_write: [{set: {speed: '10 * value'}, after: 2s}], "
    (tmp_path / "plant.yaml").write_text(
        PLANT.replace("lamp:   {", reacting).replace("count: 3, value: [true, false, true]", "value: true")
    )
    assert explain("d-1", "lamp")["on write"] == "set speed to 10 * value, after 2s"
    assert explain("d-1", "speed")["set by"] == "lamp: set speed to 10 * value, after 2s"
    assert "on write" not in explain("d-1", "power")


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (
            ("singel", "speed"),
            "plant.yaml: unknown device 'singel', expected d-1 to d-12 or single; did you mean 'single'?",
        ),
        (("d-1", "sped"), "plant.yaml: d-1: unknown point 'sped', expected speed, power, "),
    ],
)
def test_an_unknown_name_ends_with_2_and_what_was_probably_meant(modsim, tmp_path, words, text):
    (tmp_path / "plant.yaml").write_text(PLANT)
    result = modsim("explain", "plant.yaml", *words)
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr.startswith(text)


@pytest.mark.parametrize(
    ("endpoint", "request_", "response"),
    [  # the checksums are those of pymodbus
        ("rtu:/dev/ttyS9?baudrate=9600", "05 01 00 07 00 03 cc 4e", "05 01 01 05 90 bb"),
        ("ascii+tcp://127.0.0.1:5022", ":050100070003F0 CR LF", ":05010105F4 CR LF"),
    ],
)
def test_frames_are_those_of_the_endpoint(explain, tmp_path, endpoint, request_, response):
    (tmp_path / "plant.yaml").write_text(
        PLANT.replace("tcp://127.0.0.1-127.0.0.2:5020-5021", endpoint, 1).replace("count: 12, ", "")
    )
    lines = explain("d-1", "lamp")
    assert lines["endpoint"] == f"{endpoint} unit id 5"
    assert (lines["request"], lines["response"]) == (request_, response)


COUPLED = """\
signals:
  sun: {type: constant, value: 800}
devices:
  - {name: "pv-{n}", profile: pv, endpoint: "tcp://127.0.0.1:0", unit_id: 1-3}
profiles:
  pv:
    parameters: {rated: 5000}
    points:
      energy: {table: ir, address: 0, data_type: uint32, generator: {type: integrate, of: power, per: 1h}}
      power: {table: ir, address: 2, data_type: float32,
              generator: {type: formula, formula: "rated * signal.sun / 1000 * enabled + 0 * (t + i)"}}
      enabled: {table: coil, address: 0, data_type: bool, value: true}
      limit: {table: hr, address: 0, data_type: int16}
"""


def test_what_a_computed_point_reads_and_the_order_it_moves_in(modsim, tmp_path):
    (tmp_path / "plant.yaml").write_text(COUPLED)
    lines = modsim("explain", "plant.yaml", "pv-2", "power").stdout.splitlines()
    shown = [line[13:] for line in lines[lines.index(next(line for line in lines if "moves by" in line)) :]]
    assert shown == [
        "formula (interval 1.0, noise 0.0, on_error hold, "
        "formula rated * signal.sun / 1000 * enabled + 0 * (t + i))",
        "enabled = 1, a point",
        "i = 1, the number in the group from 0",
        "rated = 5000, a parameter",
        "signal.sun = 800, a signal that moves by constant",
        "t = 0, virtual seconds",
        "power, energy",
    ]
    lines = modsim("explain", "plant.yaml", "pv-2", "limit").stdout.splitlines()
    assert lines[-1].split()[0] == "moves"


def test_the_steps_of_scenarios_that_concern_the_point(modsim, tmp_path):
    scenarios = """
scenarios:
  storm:
    - {offline: "d-1*", for: 30s}
    - {at: 5s, set: {devices: "d-*", point: speed, value: 20}}
    - {at: 7s, set: {devices: "d-*", point: fault, value: false}}
    - {at: 9s, offline: d-2}
    - {at: 9s, clear: all}
  other: [{at: 1m, release: {devices: d-12}}]
"""
    (tmp_path / "plant.yaml").write_text(PLANT + scenarios)
    lines = modsim("explain", "plant.yaml", "d-12", "speed").stdout.splitlines()
    start = next(place for place, line in enumerate(lines) if line.startswith("  scenarios"))
    assert [line.removeprefix("  scenarios").strip() for line in lines[start:]] == [
        "storm: 0s: close 4 devices for 30s",
        "storm: 5s: set speed of 12 devices to 20",
        "other: 1m: release every point of 1 device",
    ]


def test_a_long_order_comes_in_lines(modsim, tmp_path):
    points = "".join(
        f"      rather_long_name_{n}: {{table: ir, address: {100 + n}, data_type: uint16, "
        f"generator: {{type: formula, formula: power}}}}\n"
        for n in range(20)
    )
    (tmp_path / "plant.yaml").write_text(COUPLED + points)
    lines = modsim("explain", "plant.yaml", "pv-2", "power").stdout.splitlines()
    start = next(place for place, line in enumerate(lines) if line.startswith("  order"))
    assert len(lines[start:]) > 4
    assert max(map(len, lines[start:])) <= 100
    text = " ".join(line[13:] for line in lines[start:])
    assert text == f"power, energy, {', '.join(f'rather_long_name_{n}' for n in range(20))}"


def test_without_a_point_everything_about_the_device(modsim, tmp_path):
    more = """
faults:
  - {name: slow, when: {devices: "pv-2"}, then: {delay: 100ms}, enabled: false}
  - {name: other, when: {devices: "pv-1"}, then: {drop: true}}
scenarios:
  storm: [{offline: "pv-*", for: 30s}, {at: 5s, set: {devices: pv-2, point: limit, value: 20}}]
"""
    text = COUPLED.replace("value: true}", "value: true, on_write: [{set: {limit: 5}, after: 2s}]}") + more
    text = text.replace("unit_id: 1-3}", "unit_id: 1-3, tags: [roof], parameters: {rated: 900}}")
    (tmp_path / "plant.yaml").write_text(text)
    result = modsim("explain", "plant.yaml", "pv-2")
    assert (result.returncode, result.stderr) == (0, "")
    assert (
        result.stdout
        == """\
pv-2
  profile     pv (plant.yaml)
  endpoint    tcp://127.0.0.1:0 unit id 2
  tags        roof
  parameters  rated 900

points
  name     table             address  data type     access  value  moves by
  enabled  coil              0        bool          rw      True
  energy   input_register    0        uint32 ABCD   ro      0      integrate of power, per 3600.0
  power    input_register    2        float32 ABCD  ro      720.0  formula rated * signal.sun / 1000 * enabled + 0 * (t + i)
  limit    holding_register  0        int16         rw      0

reactions
  enabled: set limit to 5, after 2s

faults
  slow: delay (off)

scenarios
  storm: 0s: close 3 devices for 30s
  storm: 5s: set limit of 1 device to 20
"""
    )
    assert modsim("explain", "plant.yaml", "pv-9").returncode == 2

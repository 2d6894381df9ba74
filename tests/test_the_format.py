"""The examples by which the format was agreed load as they are written, and move."""

from __future__ import annotations

from pathlib import Path

import pytest
from twisted.internet.testing import MemoryReactorClock

from simulator.config.loader import load_plant
from simulator.plant import Plant

PLANT = """\
version: 1
name: north-substation
seed: 7                                   # all randomness derives from it: same seed, same values, on any sharding
clock: {time_scale: 1, start: "2026-01-01T06:00:00Z"}   # virtual time, optional
profiles: [profiles]                      # folders to search, beside the shipped library; or a mapping of inline profiles
plugins: [my_package.my_generators]       # importing is registering

signals:                                  # plant-wide values that formulas may use as signal.NAME
  irradiance: {type: daylight, max: 1000, sunrise: "06:00", sunset: "20:00", noise: 15}
  frequency:  {type: random_walk, initial: 50.0, step: 0.005, min: 49.9, max: 50.1, interval: 1s}

devices:
  - name: "meter-{n:04}"                  # {i} counts from 0, {n} from 1; Python format specifications
    profile: energy-meter
    count: 1000
    endpoint: tcp://127.0.0.1:20001-21000 # a port range: device i on the i-th port
    unit_id: 1
    tags: [feeder-a, metering]
    parameters: {rated_power: 5000}
    values: {serial_number: "SN{n:06}", voltage_l1: 231.5}   # initial engineering values by point name
  - name: "inverter-{n}"
    profile: sunspec-inverter
    count: 100000
    endpoint: tcp://127.64.0.0/12:502     # virtual IPs: device i on the i-th host address (CIDR, or A.B.C.D-A.B.C.E)
    unit_id: 126
  - name: "loop-{n}"
    profile: temperature-loop
    count: 247
    endpoint: tcp://127.0.0.1:5020        # one listener: devices told apart by unit id
    unit_id: 1-247
  - name: line-1
    profile: vfd
    count: 8
    endpoint: rtu:/dev/ttyUSB0?baudrate=19200&parity=E&stopbits=1
    unit_id: 1-8
faults:
  - name: slow-feeder
    when: {tags: [feeder-a], devices: "meter-00*", unit_id: 1, function: [3, 4], address: 0-99, client: 127.0.0.0/8,
           probability: 0.05, every: 10, after: 100, for: 30s}   # also start: (first address), quantity:, point:, transport:
    then: {delay: 500ms, jitter: 200ms}   # or distribution: normal|lognormal|uniform|pareto
    enabled: false
scenarios:
  switch-loss:
    - {at: 0s, fault: slow-feeder}
    - {at: 60s, offline: {tags: [feeder-a]}, for: 30s}
    - {at: 90s, set: {devices: "loop-*", point: setpoint, value: 30}}
    - {at: 120s, clear: all}
limits:   {max_connections: 20000, idle_timeout: 60s, allow: [127.0.0.0/8]}
"""

PROFILE = """\
name: energy-meter
description: three-phase energy meter
extends: base-meter                       # optional; points merge by name
identity:                                 # FC 43/14 and FC 17
  {vendor_name: Acme, product_code: EM3, revision: "1.4", vendor_url: "https://example.com",
   product_name: Meter, model_name: EM3-100, user_application_name: "{name}", objects: {0x80: "text or 0x hex"}}
parameters: {rated_power: 3000}           # usable in formulas and in {…} of strings
byte_order: ABCD                          # ABCD | CDAB | BADC | DCBA; `swap: none|byte|word|word_byte` accepted
address_base: 0                           # 0 (wire) | 1 | modicon (40001, 400001: the digit picks the table)
tables:                                   # optional; default: sparse, exactly the registers of the points
  holding_register: {block: sequential, address: 0, count: 200, fill: 0, values: {7: 0x1234, 20: [1, 2, 3]}}   # raw words or bits
  input_register: {block: sparse, ranges: [0-255, 65528-65535], fill: 0, invalid: [5, 10-15]}
  coil: {share: discrete_input}           # two tables over one block
points:
  voltage_l1: {table: input_register, address: 0, data_type: float32, unit_of_measurement: V, precision: 1,
               generator: {type: sine, min: 228, max: 232, period: 60s, phase: "{i}s", noise: 0.2}}
  energy:     {table: input_register, address: 72, data_type: uint32, scale: 0.01, unit_of_measurement: kWh,
               generator: {type: integrate, of: power, per: 1h}}
  power:      {table: input_register, address: 52, data_type: float32, unit_of_measurement: W,
               generator: {type: formula, formula: "rated_power * signal.irradiance / 1000 * (1 - 0.004 * max(0, temp - 25))"}}
  temp:       {table: input_register, address: 60, data_type: int16, scale: 0.1, generator: {type: random_walk, initial: 25, step: 0.1, min: -20, max: 80}}
  setpoint:   {table: holding_register, address: 10, data_type: int16, scale: 0.1, value: 21.0, min: 5, max: 35, on_invalid: illegal_data_value}
  actual:     {table: holding_register, address: 11, data_type: int16, scale: 0.1, access: ro, generator: {type: lag, of: setpoint, time_constant: 30s}}
  mode:       {table: holding_register, address: 12, data_type: uint16, enum: {0: stop, 1: run, 2: fault}, value: stop}
  status:     {table: holding_register, address: 13, data_type: bits, bits: {0: running, 3: alarm}}
  alarm:      {table: discrete_input, address: 0, data_type: bool, generator: {type: formula, formula: "actual > 40"}}
  serial_number: {table: holding_register, address: 100, data_type: string, length: 8}   # length in registers
  start:      {table: coil, address: 0, on_write: [{set: {mode: run}, after: 2s}, {pulse: 500ms}]}
server_id: {id: 0x11, running: true, additional: "EM3"}                 # FC 17: id as a byte or 0x hex of several
exception_status: [running, alarm]         # FC 7: up to eight boolean points, bit 0 first; or a number
files: {4: {records: 100, fill: 0, values: {1: [0x0DFE, 0x0020]}}}      # FC 20/21: file number -> records from 0; values from a record on
fifos: {0x04DE: {values: [0x01B8, 0x1284]}, 0x04DF: {from: energy, depth: 31}}   # FC 24: pointer address -> queue (over 31 entries: exception 3, as specified)
quirks: {max_registers: 80, max_bits: 800, max_connections: 4, max_connections_per_host: 2, one_request_in_flight: true,
         min_reply_delay: 5ms, idle_timeout: 60s, unsupported_functions: [22, 23], holes: exception}   # or holes: zero
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "profiles").mkdir()
    (tmp_path / "profiles" / "energy-meter.yaml").write_text(PROFILE, encoding="utf-8")
    (tmp_path / "profiles" / "base-meter.yaml").write_text("name: base-meter\npoints: {}\n")
    (tmp_path / "my_package").mkdir()
    (tmp_path / "my_package" / "my_generators.py").write_text("")
    (tmp_path / "plant.yaml").write_text(PLANT)
    return tmp_path


def test_the_examples_of_the_format(folder: Path) -> None:
    config = load_plant(folder / "plant.yaml")
    assert config.device_count == 101_255
    assert [group.device_name(7) for group in config.groups] == [
        "meter-0008", "inverter-8", "loop-8", "line-1-8",
    ]  # fmt: skip
    reactor = MemoryReactorClock()
    plant = Plant(config, reactor)
    for _ in plant.ticker.prime():
        pass
    plant.startService()
    plant.time.pause()
    advanced = plant.time.advance(3)
    for _ in range(1000):
        reactor.advance(0)
    assert advanced.called
    assert plant.read("meter-0008", "serial_number") == "SN000008"
    assert 225 < plant.read("meter-0008", "voltage_l1") < 235  # type: ignore[operator]
    assert plant.read("meter-0008", "actual") == 21
    plant.write("meter-0008", "start", True)
    assert plant.read("meter-0008", "alarm") is True  # the same bit
    plant.time.advance(2.5)
    for _ in range(1000):
        reactor.advance(0)
    assert plant.read("meter-0008", "mode") == "run"
    assert plant.read("meter-0008", "start") is False
    plant.stopService()

"""The functions that few devices have, from the profile to the socket, whoever answers plain requests."""

from __future__ import annotations

import pytest

from simulator.server.lanes import BUILT

PLANT = """
devices:
  - {name: "box-{n}", profile: box, endpoint: "tcp://127.0.0.1:0", unit_id: 1-2}
profiles:
  box:
    identity: {product_code: B1, objects: {0x80: "private", 0x81: "0x00ff10"}}
    tables: {holding_register: {block: sequential, count: 2000}}
    points:
      alarm: {table: discrete_input, address: 0, value: true}
      status: {table: holding_register, address: 13, data_type: bits, bits: {0: running, 3: hot}, value: [running]}
      beat: {table: input_register, address: 0, data_type: uint16,
             generator: {type: increment, min: 0, max: 9, step: 1, interval: 100ms}}
    server_id: {id: 0x11, running: true, additional: "{name}"}
    exception_status: [hot, alarm, running]
    files: {4: {records: 100, fill: 0, values: {1: [0x0DFE, 0x0020]}}}
    fifos: {0x04DE: {values: [0x01B8, 0x1284]}, 0x04DF: {from: beat, depth: 3}}
"""


@pytest.fixture(params=["compiled", "pure"])
def say(request, start, tmp_path, monkeypatch, ask):
    """Ask unit 1 or another of a plant that runs."""
    if request.param == "compiled" and not BUILT:
        pytest.skip("there is no compiled code here")
    monkeypatch.setenv("MODSIM_PURE", str(int(request.param == "pure")))
    (tmp_path / "plant.yaml").write_text(PLANT)
    (port,) = start("--config", "plant.yaml").wait_ready().ports
    return lambda pdu, unit=1: ask(port, pdu, unit=unit)


def test_each_says_what_the_profile_says(say):
    assert say("07") == "07 06"
    assert bytes.fromhex(say("11", 2)) == b"\x11\x07\x11\xffbox-2"
    assert say("14 07 06 0004 0001 0002") == "14 06 05 06 0d fe 00 20"
    assert say("18 04de") == "18 00 06 00 02 01 b8 12 84"
    assert say("2b 0e 04 81") == "2b 0e 04 83 00 00 01 81 03 00 ff 10"
    assert say("2b 0e 03 80") == "2b 0e 03 83 00 00 02 80 07 70 72 69 76 61 74 65 81 03 00 ff 10"


def test_devices_of_one_profile_go_their_own_ways(say):
    say("06 000d 0008")
    say("15 09 06 0004 0001 0001 beef")
    say("06 04de 0005")
    say("03 ffff 0001")
    assert [say("07", unit) for unit in (1, 2)] == ["07 03", "07 06"]
    read = "14 07 06 0004 0001 0001"
    assert [say(read, unit) for unit in (1, 2)] == ["14 04 03 06 be ef", "14 04 03 06 0d fe"]
    assert [say("18 04de", unit)[:14] for unit in (1, 2)] == ["18 00 08 00 03", "18 00 06 00 02"]
    assert [say("08 000d 0000", unit) for unit in (1, 2)] == ["08 00 0d 00 01", "08 00 0d 00 00"]


def test_a_pointer_among_registers_takes_writes_and_shows_the_count(say):
    assert say("03 04de 0001") == "03 02 00 02"
    assert say("10 04de 0002 04 0005 0006") == "10 04 de 00 02"
    assert say("06 04de 0007") == "06 04 de 00 07"
    assert say("18 04de") == "18 00 0c 00 05 01 b8 12 84 00 05 00 06 00 07"
    assert say("03 04dd 0002") == "03 04 00 00 00 05"
    assert say("10 04dd 0002 04 0008 0001") == "10 04 dd 00 02"  # begins beside it: a plain write
    assert say("18 04de")[:14] == "18 00 0c 00 05"


def test_a_generator_fills_a_queue_while_the_plant_runs(say):
    assert say("06 04df 0000") == "86 02"
    seen = set()
    for _ in range(10_000):
        registers = say("18 04df").split()[5:]
        values = [int(low, 16) for low in registers[1::2]]
        assert len(values) <= 3
        assert values == [(values[0] + step) % 10 for step in range(len(values))]
        seen.add(tuple(values))
        if len(seen) >= 4:
            break
    assert len(seen) >= 4

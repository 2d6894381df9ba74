"""What operations do to a plant: every one of them, and what each refuses."""

from __future__ import annotations

import pytest

from simulator.config.loader import parse_plant
from simulator.functions.table import answer
from simulator.origins import Origin


def names(page):
    return [row["name"] for row in page["devices"]]


def test_the_status_counts(hands):
    found = hands("status")
    assert (found["name"], found["devices"], found["offline"], found["requests"]) == ("plant", 11, 0, 0)
    assert found["time"]["moment"] == "2026-01-01T12:00:00+00:00"


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, "a-1 a-2 a-3 a-4 a-5 b-1 b-2 b-3 b-4 b-5 c"),
        ({"name": "-3"}, "a-3 b-3"),
        ({"name": "?-[12]"}, "a-1 a-2 b-1 b-2"),
        ({"tag": "west"}, "b-1 b-2 b-3 b-4 b-5 c"),
        ({"tag": "north"}, ""),
        ({"profile": "o*"}, "c"),
        ({"endpoint": "tcp://127.0.0.1:5022"}, "b-2"),
        ({"endpoint": "tcp://127.0.0.1:5020"}, "a-1 a-2 a-3 a-4 a-5"),
        ({"endpoint": "tcp://127.0.0.1:5021-5025", "name": "5"}, "b-5"),
        ({"endpoint": "*:5030"}, "c"),
        ({"endpoint": "tcp://127.0.0.1:9999"}, ""),
    ],
)
def test_devices_are_searched(hands, given, expected):
    page = hands("devices", **given)
    assert names(page) == expected.split()
    assert page["total"] == len(expected.split())


def test_pages_follow_each_other(hands):
    every = names(hands("devices"))
    for limit in (1, 2, 3, 7, 11, 100):
        pages = [hands("devices", offset=offset, limit=limit) for offset in range(0, 14, limit)]
        assert [name for page in pages for name in names(page)] == every
        assert {page["total"] for page in pages} == {11}
    row = hands("devices", name="b-2")["devices"][0]
    assert row == {
        "name": "b-2", "profile": "box", "tags": ["west"], "endpoint": "tcp://127.0.0.1:5022",
        "unit_id": 1, "online": True, "requests": 0,
    }  # fmt: skip


@pytest.mark.parametrize("endpoint", ["tcp//x", "0", "tcp://127.0.0.1:x", "[", "rtu:/dev/ttyUSB0"])
def test_an_endpoint_that_is_none_finds_nothing(hands, endpoint):
    assert hands("devices", endpoint=endpoint)["total"] == 0


def test_a_device_shows_values_raw_words_identity_and_counters(hands):
    device = hands.plant.device("a-2")
    answer(device, bytes.fromhex("03 00 63 00 01"))
    found = hands("show", device="a-2")
    points = {point["name"]: point for point in found["points"]}
    assert (points["level"]["value"], points["level"]["raw"], points["level"]["unit"]) == (12.5, [125], "m")
    assert (points["level"]["reference"], points["mode"]["value"]) == ("400001", "stop")
    assert points["serial"]["value"] == "S2"
    assert points["pump"]["raw"] == [0]
    assert points["power"]["generator"] == "increment"
    assert found["counters"]["requests"] == 1
    assert found["counters"]["exceptions"] == 1
    assert "Example" in found["identity"].values()


def test_points_are_read_by_pattern_and_devices_without_them_left_out(hands):
    found = hands("read", device=["a-1", "c"], point=["level", "m*"])
    assert found["devices"] == [
        {"device": "a-1", "values": {"level": 12.5, "mode": "stop"}},
        {"device": "c", "values": {"level": 0.0}},
    ]
    assert (found["count"], found["left_out"]) == (3, 0)


@pytest.mark.parametrize("limit", [1, 4, 5, 9, 51, 100])
def test_no_more_values_are_read_than_asked_for(hands, limit):
    every = hands("read", device=["*"])
    flat = [(each["device"], *pair) for each in every["devices"] for pair in each["values"].items()]
    some = hands("read", device=["*"], limit=limit)
    assert [(e["device"], *pair) for e in some["devices"] for pair in e["values"].items()] == flat[:limit]
    assert some["count"] + some["left_out"] == len(flat) == 51


def test_a_write_reaches_all_devices_meant_and_says_who_wrote(hands):
    told = []
    hands.plant.on_write("a-3", "level", lambda *what: told.append(what))
    assert hands("write", device=["a-[23]", "b-1"], values={"level": 20, "mode": "run"}) == {
        "devices": {"level": 3, "mode": 3}
    }
    assert hands.plant.read("a-3", "level") == 20.0
    assert hands.plant.read("b-1", "mode") == "run"
    assert hands.plant.read("a-1", "level") == 12.5
    assert told == [("a-3", "level", 12.5, 20.0, Origin("api"))]


@pytest.mark.parametrize(
    ("values", "status"),
    [
        ({"level": 20, "mode": "walk"}, 422), ({"level": 51}, 422), ({"level": "much"}, 422),
        ({"level": None}, 422), ({"level": [1]}, 422), ({"level": 20, "levle": 1}, 404),
        ({"level": 20, "[l]evel*": 1}, 404), ({"pump": 2}, 422), ({}, 422),
    ],
)  # fmt: skip
def test_a_write_that_is_wrong_in_part_writes_nothing(hands, values, status):
    assert hands.refused("write", device=["a-*"], values=values).status == status
    assert hands.plant.read("a-1", "level") == 12.5


@pytest.mark.parametrize("device", [["a-9"], ["x-*"], ["a-1", "nobody"], [""]])
@pytest.mark.parametrize(
    ("name", "more"),
    [
        ("read", {}), ("write", {"values": {"level": 1}}), ("hold", {}), ("release", {}),
        ("offline", {}), ("online", {}), ("record", {}),
    ],
)  # fmt: skip
def test_unknown_devices_are_not_found(hands, device, name, more):
    refusal = hands.refused(name, device=device, **more)
    assert refusal.status == 404
    assert "no device is named" in refusal.detail


def test_what_was_probably_meant_is_told(hands):
    assert "did you mean 'level'" in hands.refused("read", device=["a-1"], point=["levle"]).detail
    assert "did you mean 'b-1'" in hands.refused("show", device="b1").detail


def test_generated_points_are_held_and_released(hands):
    hands.plant.startService()
    assert hands("hold", device=["a-1"], point=["power"]) == {"devices": {"power": 1}}
    hands.clock.advance(3)
    assert hands.plant.read("a-1", "power") == 0.0
    assert hands.plant.read("a-2", "power") > 0
    assert {point["name"] for point in hands("show", device="a-1")["points"] if point["held"]} == {"power"}
    assert hands("release", device=["a-1"]) == {
        "devices": {"level": 0, "mode": 0, "serial": 0, "pump": 0, "power": 1}
    }
    hands.clock.advance(3)
    assert hands.plant.read("a-1", "power") > 0
    hands.plant.time.stop()


def test_a_write_may_hold_for_a_while(hands):
    hands.plant.startService()
    hands("write", device=["a-1"], values={"power": 500}, hold=2.0)
    hands.clock.advance(1)
    assert hands.plant.read("a-1", "power") == 500
    hands.clock.advance(3)
    assert hands.plant.read("a-1", "power") != 500
    hands.plant.time.stop()


def test_tables_are_read_and_written_raw(hands):
    written = hands("write-table", device="a-1", table="holding_register", address=0, values=[300, 3])
    assert written["values"] == [300, 3]
    assert (hands.plant.read("a-1", "level"), hands.plant.read("a-1", "mode")) == (30.0, "run")
    assert hands("read-table", device="a-1", table="holding_register", address=0, quantity=2) == written
    hands("write-table", device="a-1", table="coil", address=3, values=[1])
    assert hands.plant.read("a-1", "pump") is True
    assert hands("read-table", device="a-1", table="coil", address=3)["values"] == [1]


@pytest.mark.parametrize(
    ("table", "address", "values", "status"),
    [
        ("holding_register", 2, [1], 404), ("holding_register", 65535, [1, 2], 404),
        ("discrete_input", 0, [1], 404), ("coil", 3, [2], 422), ("holding_register", 0, [65536], 422),
        ("holding_register", 0, [-1], 422), ("holding_register", 0, [], 422),
    ],
)  # fmt: skip
def test_addresses_and_words_that_do_not_exist_are_refused(hands, table, address, values, status):
    assert (
        hands.refused("write-table", device="a-1", table=table, address=address, values=values).status
        == status
    )
    if values and status == 404:
        quantity = len(values)
        assert (
            hands.refused("read-table", device="a-1", table=table, address=address, quantity=quantity).status
            == 404
        )


def test_time_stands_steps_advances_and_runs(hands):
    hands.plant.startService()
    assert hands("pause")["paused"]
    assert hands("advance", seconds=60.0)["seconds"] == 60
    assert hands("step", ticks=2)["seconds"] == 62
    assert hands("scale", scale=10.0)["scale"] == 10
    assert not hands("resume")["paused"]
    hands.clock.advance(1)
    assert hands("time")["seconds"] == pytest.approx(72)
    hands.plant.time.stop()


def test_an_advance_that_a_pause_ends_says_so(hands):
    hands.plant.startService()
    from simulator.control import course

    failed = []
    course.advance(hands.control, 1e6).addErrback(lambda failure: failed.append(failure.value))
    hands("pause")
    assert failed[0].status == 409
    hands.plant.time.stop()


def test_faults_are_switched_added_and_taken_away(hands):
    assert hands("faults")["faults"] == [{"name": "late", "enabled": False, "matched": 0, "applied": 0}]
    assert hands("enable-fault", name="late")["enabled"]
    assert hands("status")["faults_enabled"] == ["late"]
    assert not hands("disable-fault", name="late")["enabled"]
    added = hands("add-fault", fault={"name": "mute", "when": {"devices": "c"}, "then": {"drop": True}})
    assert added["enabled"]
    assert hands.refused("add-fault", fault={"name": "mute", "then": {"drop": True}}).status == 409
    assert hands("remove-fault", name="mute") == {"done": True}
    hands("add-fault", fault={"name": "mute", "then": {"drop": True}})
    assert [each["name"] for each in hands("clear-faults")["faults"]] == ["late"]


@pytest.mark.parametrize(
    "fault", [{"name": "x"}, {"name": "x", "then": {"dorp": True}}, {"name": 5, "then": {"drop": True}}]
)
def test_faults_that_no_file_could_have_are_refused(hands, fault):
    assert hands.refused("add-fault", fault=fault).status == 422
    assert len(hands("faults")["faults"]) == 1


@pytest.mark.parametrize(
    "name",
    [
        "enable-fault", "disable-fault", "remove-fault", "start-scenario", "stop-scenario",
        "release-signal",
    ],
)  # fmt: skip
def test_unknown_names_are_not_found(hands, name):
    assert hands.refused(name, name="nothing").status == 404
    assert hands.refused("hold-signal", name="nothing", value=1.0).status == 404


def test_scenarios_start_and_stop(hands):
    hands.plant.startService()
    assert hands("start-scenario", name="dip")["running"]
    assert hands.refused("start-scenario", name="dip").status == 409
    hands.clock.advance(1.5)
    assert hands.plant.read("c", "level") == 3
    hands("stop-scenario", name="dip")
    assert not hands("scenarios")["scenarios"][0]["running"]
    assert hands.plant.read("c", "level") == 0
    hands.plant.time.stop()


def test_signals_are_held_and_released(hands):
    assert hands("hold-signal", name="load", value=42.0) == {"name": "load", "value": 42.0, "held": True}
    assert not hands("release-signal", name="load")["held"]
    assert [each["name"] for each in hands("signals")["signals"]] == ["load"]


def test_the_journal_is_kept_filtered_and_verified(hands):
    assert hands.refused("verify", expectation={"device": "a-1"}).status == 422
    assert hands("record", device=["a-*"]) == {"devices": 5}
    for name, pdu in (("a-1", "03 00 00 00 01"), ("a-2", "06 00 00 00 7B"), ("b-1", "03 00 00 00 01")):
        answer(hands.plant.device(name), bytes.fromhex(pdu))
    page = hands("journal")
    assert [(each["device"], each["function"]) for each in page["entries"]] == [("a-1", 3), ("a-2", 6)]
    assert [each["device"] for each in hands("journal", function=6)["entries"]] == ["a-2"]
    assert [each["device"] for each in hands("journal", last=1)["entries"]] == ["a-2"]
    assert hands("journal", device="b-*")["entries"] == []
    assert hands("verify", expectation={"device": "a-2", "write": "level", "value": 12.3, "times": 1})["met"]
    unmet = hands("verify", expectation={"device": "a-1", "write": "level"})
    assert not unmet["met"]
    assert "came not once" in unmet["text"]
    assert hands.refused("verify", expectation={"devcie": "a-1"}).status == 422
    hands("stop-recording")
    answer(hands.plant.device("a-1"), bytes.fromhex("03 00 00 00 01"))
    assert len(hands("journal")["entries"]) == 2


def test_counters_begin_anew_and_those_of_the_protocol_go_on(hands):
    device = hands.plant.device("a-1")
    answer(device, bytes.fromhex("03 00 00 00 01"))
    assert hands("status")["requests"] == 1
    hands("reset-counters")
    assert hands("status")["requests"] == hands("devices")["devices"][0]["requests"] == 0
    answer(device, bytes.fromhex("03 00 00 00 01"))
    assert hands("status")["requests"] == hands("show", device="a-1")["device"]["requests"] == 1
    assert device.state.messages == 2


def test_a_plant_inside_another_program_is_not_stopped_and_not_taken_away_before_it_is_open(hands):
    assert hands.refused("stop").status == 409
    assert hands.refused("offline", device=["a-1"], how="close").status == 409


def test_large_plants_are_paged_and_read_in_bulk(hands):
    many = TEXT_OF_MANY
    big = type(hands)(many)
    assert big.plant.devices == 100_000
    assert names(big("devices", offset=99_990, limit=3)) == ["m-099991", "m-099992", "m-099993"]
    assert names(big("devices", name="m-09999*", limit=2)) == ["m-099990", "m-099991"]
    assert len(names(big("devices", tag="t", profile="b*", limit=100))) == 100
    wanted = [f"m-{number:06}" for number in range(1, 1001)]
    assert big("read", device=wanted, point=["level"])["count"] == 1000
    assert big("read", device=["m-000*"], point=["level"], limit=1000)["count"] == 999


TEXT_OF_MANY = """
profiles: {box: {points: {level: {table: hr, address: 0, data_type: int16, scale: 0.1}}}}
devices:
  - {name: "m-{n:06}", profile: box, endpoint: "tcp://127.64.0.0/12:5020", count: 100000, tags: [t]}
"""


def test_the_plant_of_these_tests_is_a_plant():
    assert parse_plant(TEXT_OF_MANY).device_count == 100_000

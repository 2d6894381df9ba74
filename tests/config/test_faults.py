"""``faults`` of plant files and profiles: what loads, what is refused and where."""

from __future__ import annotations

import json

import pytest

from simulator.config.faults import described, faults_of
from simulator.config.loader import parse_plant
from simulator.config.schemes import SCHEMES
from simulator.errors import ConfigError
from simulator.faults.files import ThenFile
from simulator.faults.words import NEEDS, REASONS, TRANSPORTS

DEVICES = """profiles:
  box: {points: {level: {table: holding_register, address: 5}}}
  lazy: {extends: box, faults: [{name: late, then: {delay: 1s}}, {name: no, then: {exception: 1}, enabled: false}]}
devices:
  - {name: "meter-{n:02}", profile: box, endpoint: "tcp://127.0.0.1:5020", unit_id: 1-20, tags: [feeder-a]}
  - {name: line, profile: box, endpoint: "rtu:/dev/ttyUSB9", unit_id: 1}
  - {name: mail, profile: box, endpoint: "udp://127.0.0.1:5020"}
"""


def complaints(text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        parse_plant(text, file="plant.yaml")
    return [str(problem) for problem in caught.value.problems]


def load(rules: str, devices: str = DEVICES):
    return parse_plant(devices + "faults:\n" + rules)


def test_the_example_of_the_format_loads():
    config = load("""  - name: slow-feeder
    when: {tags: [feeder-a], devices: "meter-0*", unit_id: 1, function: [3, 4], address: 0-99, client: 127.0.0.0/8,
           probability: 0.05, every: 10, after: 100, for: 30s}
    then: {delay: 500ms, jitter: 200ms}
    enabled: false
""")
    (fault,) = config.faults
    assert fault.selection.spans == {0: ((0, 1),)}
    assert fault.rule.when.function == (3, 4)
    assert fault.rule.when.for_ == 30
    assert (fault.rule.then.delay, fault.rule.then.kinds) == (0.5, ("delay", "jitter"))
    assert not fault.rule.enabled


def test_rules_of_a_file_are_checked_all_at_once_at_their_places():
    text = (
        DEVICES
        + """faults:
  - {name: a, when: {funtion: 3}, then: {delay: 5}}
  - {name: a2, then: {}}
  - {then: {drop: true}}
  - {name: b, when: {function: read_coil, address: 70000}, then: {exception: busy}}
  - {name: c, when: {probability: 2, every: 0, client: 300.0.0.1}, then: {truncate: 0, close: 3, garbage: xyz}}
  - {name: c, when: {transport: rtu+tpc, for: 3}, then: {corrupt_values: drifting, distribution: normal}}
  - {name: d, then: {distribution: normal, delay: 1s}}
  - {name: e, when: {function: 6}, then: {stale: true}}
  - {name: f, when: {function: 6}, then: {refuse: true}}
  - {name: g, then: {corrupt_values: {type: stuck, rate: 3}}}
  - {name: h, then: {flap: {down: 0s, up: 1s}}}
  - {name: i, then: {jitter: 1s, distribution: lognormal}}
  - {name: j, then: {delay: 2d}}
"""
    )
    said = [line.removeprefix("plant.yaml:").partition(": ")[2] for line in complaints(text)]
    assert said == [
        "faults.0.when.funtion: unknown key 'funtion', expected devices, tags, group, profile, unit_id, function, "
        "address, start, quantity, point, client, transport, probability, every, after or for; did you mean 'function'?",
        "faults.0.then.delay: duration is the bare number 5, expected a number and a unit, such as 250ms, 2s, 5m, 1h or 1d",
        "faults.1.then: then has no kind of fault, expected " + said[2].partition("expected ")[2],
        "faults.2.name: name is missing, expected it here",
        "faults.3.when.function: function is 'read_coil', expected a number, a range, or a name such as "
        "read_holding_registers; did you mean 'read_coils'?",
        "faults.3.when.address: address is 70000, expected 0 to 65535",
        *said[6:7],
        *said[7:],
    ]
    assert said[6].startswith(
        "faults.3.then.exception: unknown exception 'busy', expected illegal_function, "
    )
    assert [line.partition(",")[0] for line in said[7:]] == [
        "faults.4.when.probability: probability is 2",
        "faults.4.when.every: every is 0",
        "faults.4.when.client: network is '300.0.0.1'",
        "faults.4.then.truncate: truncate is 0",
        "faults.4.then.close: close is 3",
        "faults.4.then.garbage: garbage is 'xyz'",
        "faults.5.when.transport: unknown transport 'rtu+tpc'",
        "faults.5.when.for: duration is the bare number 3",
        "faults.5.then.corrupt_values: corrupt_values is 'drifting'",
        "faults.6.then: distribution is normal without jitter",
        "faults.7: stale never acts on function 6",
        "faults.8: refuse acts on connections",
        "faults.9.then.corrupt_values: rate is given with stuck",
        "faults.10.then: flap has a time of 0",
        "faults.11.then: distribution is lognormal without delay",
        "faults.12.then: delay is longer than a day",
    ]


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ('{name: a, when: {devices: "metre-*"}, then: {drop: true}}',
         "faults.0.when.devices: no device is named 'metre-*'"),
        ("{name: a, when: {tags: [feeder-b]}, then: {drop: true}}",
         "faults.0.when.tags: unknown tag 'feeder-b', expected feeder-a; did you mean 'feeder-a'?"),
        ("{name: a, when: {unit_id: 99}, then: {drop: true}}", "faults.0.when.unit_id: no device selected has unit_id 99"),
        ("{name: a, when: {point: levle}, then: {drop: true}}",
         "faults.0.when.point: unknown point 'levle', expected level; did you mean 'level'?"),
        ("{name: a, when: {devices: line, transport: [tcp, udp]}, then: {drop: true}}",
         "faults.0.when.transport: no device selected is reached over this, expected rtu"),
        ("{name: a, when: {devices: mail}, then: {close: true}}", "faults.0.then.close: close can never act: udp has no connections"),
        ("{name: a, when: {devices: line}, then: {wrong_transaction_id: true}}",
         "faults.0.then.wrong_transaction_id: wrong_transaction_id can never act: rtu has no transaction id"),
        ('{name: a, when: {devices: ["meter-*", mail]}, then: {drop: true, corrupt_checksum: true}}',
         "faults.0.then.corrupt_checksum: corrupt_checksum can never act: tcp or udp has no checksum"),
        ("{name: a, when: {devices: mail}, then: {slow_bytes: 1s}}",
         "faults.0.then.slow_bytes: slow_bytes can never act: udp sends every answer whole"),
        ("[]", "faults.0: entry is an empty list, expected a mapping"),
        ("{name: a, when: {for: 0s}, then: {drop: true}}", "faults.0.when: for is 0s, expected longer"),
    ],
)  # fmt: skip
def test_what_can_never_act_is_told(rule, expected):
    (said,) = complaints(DEVICES + f"faults:\n  - {rule}\n")
    assert expected in said


def test_two_rules_of_one_name():
    (said,) = complaints(DEVICES + "faults: [{name: a, then: {drop: true}}, {name: a, then: {drop: true}}]\n")
    assert "faults.1.name: 'a' is the name of another fault, expected another name" in said


def test_faults_that_are_no_list():
    assert (
        "faults: faults is a mapping, expected a list of rules"
        in complaints(DEVICES + "faults: {a: {}}\n")[0]
    )


def test_a_rule_leaves_devices_alone_on_which_it_cannot_act():
    config = load("  - {name: a, then: {corrupt_checksum: true}}\n  - {name: b, then: {drop: true}}\n")
    assert [fault.selection.spans for fault in config.faults] == [
        {1: ((0, 1),)},
        {0: ((0, 20),), 1: ((0, 1),), 2: ((0, 1),)},
    ]


def test_a_gateway_lets_no_pieces_through():
    devices = DEVICES.replace("tags:", "gateway: {baudrate: 9600}, tags:")
    (said,) = complaints(devices + 'faults: [{name: a, when: {devices: "meter-*"}, then: {split: 3}}]\n')
    assert "split can never act: tcp behind a gateway sends every answer whole" in said


LAZY = '  - {{name: "lazy-{{n}}", profile: lazy, endpoint: "tcp://127.0.0.1:{port}"{more}}}\n'


def test_rules_of_profiles_come_behind_those_of_the_file_and_are_shared():
    devices = (
        DEVICES + LAZY.format(port=6001, more="") + LAZY.replace("lazy-", "idle-").format(port=6002, more="")
    )
    config = load("  - {name: first, then: {drop: true}}\n", devices)
    assert [(fault.name, sorted(fault.selection.spans)) for fault in config.faults] == [
        ("first", [0, 1, 2, 3, 4]), ("lazy.late", [3, 4]), ("lazy.no", [3, 4]),
    ]  # fmt: skip


def test_a_group_changes_rules_of_its_profile_by_name():
    more = ", faults: {late: {then: {delay: 3s}}, no: null}"
    config = parse_plant(
        DEVICES
        + LAZY.format(port=6001, more="")
        + LAZY.replace("lazy-", "idle-").format(port=6002, more=more)
    )
    found = {fault.name: (fault.rule.then.delay, sorted(fault.selection.spans)) for fault in config.faults}
    assert found == {"lazy.late": (1.0, [3]), "lazy.no": (None, [3]), "idle-{n}.late": (3.0, [4])}


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        (", faults: {lat: {then: {delay: 3s}}}", "6001\", faults.lat: unknown fault 'lat', expected late or no; did you mean 'late'?"),
        (", faults: {late: {then: {delay: 3}}}", "devices.3.faults.late.then.delay: duration is the bare number 3"),
    ],
)  # fmt: skip
def test_mistakes_of_a_group_are_told_where_they_stand(more, expected):
    (said,) = complaints(DEVICES + LAZY.format(port=6001, more=more))
    assert expected.partition("faults.")[2] in said
    assert said.startswith("plant.yaml:8:")


def test_mistakes_of_a_profile_are_told_where_they_stand():
    text = """profiles:
  box:
    points: {level: {table: holding_register, address: 5}}
    faults:
      - {name: one, then: {delay: 3}}
      - {name: two, when: {point: lvel}, then: {drop: true}}
      - {name: two, when: {devices: x}, then: {drop: true}}
      - {then: {drop: true}}
devices: [{name: a, profile: box, endpoint: "tcp://127.0.0.1:5020"}]
"""
    said = complaints(text)
    assert [line.partition(",")[0] for line in said] == [
        "plant.yaml:5:35: profiles.box.faults.0.then.delay: duration is the bare number 3",
        "plant.yaml:6:35: profiles.box.faults.1.when.point: unknown point 'lvel'",
        "plant.yaml:7:28: profiles.box.faults.2.when.devices: unknown key 'devices'",
        "plant.yaml:8:9: profiles.box.faults.3.name: name is missing",
    ]


def test_a_profile_lays_its_rules_over_those_of_its_base():
    devices = """profiles:
  box: {points: {level: {table: holding_register, address: 5}}, faults: [{name: a, then: {drop: true}}, {name: b, then: {delay: 1s}}]}
  more: {extends: box, faults: [{name: b, then: {jitter: 2s}}, {name: c, then: {exception: 2}}]}
devices: [{name: a, profile: more, endpoint: "tcp://127.0.0.1:5020"}]
"""
    found = {fault.name: fault.rule.then.kinds for fault in parse_plant(devices).faults}
    assert found == {"more.a": ("drop",), "more.b": ("delay", "jitter"), "more.c": ("exception",)}


def test_the_rules_about_a_device_in_words():
    config = load("""  - {name: a, when: {devices: meter-02}, then: {drop: true}}
  - {name: b, when: {tags: feeder-a, point: level, client: 192.0.2.0/24}, then: {delay: 1s, exception: 4}, enabled: false}
  - {name: c, when: {function: 6}, then: {drop: true}}
""")
    read = bytes.fromhex("03 0005 0001")
    found = faults_of(config.faults, 0, 1)
    assert [described(fault, config.groups[0], 2, read) for fault in found] == [
        "a: drop", "b: delay, exception (off, for some clients)", "c: drop (not for this request)",
    ]  # fmt: skip
    assert [fault.name for fault in faults_of(config.faults, 0, 0)] == ["b", "c"]


def test_every_scheme_is_a_transport_and_every_need_has_a_reason():
    assert {name: (kind.framing, kind.transport) for name, kind in SCHEMES.items()} == TRANSPORTS
    assert set(NEEDS.values()) == set(REASONS)
    assert set(NEEDS) <= set(ThenFile.model_fields)


def test_the_schema_knows_every_key():
    from simulator.config.faults import FaultFile

    schema = json.dumps(FaultFile.model_json_schema())
    assert all(f'"{key}"' in schema for key in ("for", "unit_id", "devices", "wrong_quantity", "read_coils"))


def test_rules_and_scenarios_are_told_together_what_is_wrong_with_them():
    """What is wrong in itself hides nothing of what is known with the devices only, nor is it a name unknown."""
    said = complaints(
        DEVICES
        + """faults:
  - {name: bad, then: {dely: 1s}}
  - {name: lost, when: {devices: nobody}, then: {drop: true}}
scenarios:
  odd: 5
  s:
    - {fault: [bad, lost]}
    - {offline: "ghost-*"}
"""
    )
    assert [problem.partition(": ")[2].partition(": ")[0] for problem in said] == [
        "faults.0.then.dely",
        "faults.1.when.devices",
        "scenarios.odd",
        "scenarios.s.1.offline.devices",
    ]

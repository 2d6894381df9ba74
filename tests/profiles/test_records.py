"""``files`` and ``fifos``: what functions 20, 21 and 24 find."""

from __future__ import annotations

import pytest

POINTS = """
points:
  energy: {table: ir, address: 0, data_type: uint32, generator: {type: counter, rate: 1}}
  level: {table: hr, address: 3}
  alarm: {table: di, address: 0, generator: {type: toggle}}
"""


def test_a_file_has_its_records(load):
    profile = load(
        "files: {4: {records: 6, fill: 0xAAAA, values: {1: [0x0DFE, 0x0020], 5: 7}}, 0xFFFF: {records: 10000}}"
    )
    assert profile.files[4] == bytes.fromhex("AAAA 0DFE 0020 AAAA AAAA 0007")
    assert profile.files[65535] == bytes(20_000)
    assert load("name: p").files == {}


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("{0: {records: 1}}", "1:9: files.0: file number is 0, expected 1 to 65535"),
        ("{65536: {records: 1}}", "1:9: files.65536: file number is 65536, expected 1 to 65535"),
        ("{1: {}}", "1:12: files.1.records: records is missing, expected it here"),
        ("{1: {records: 0}}", "1:22: files.1.records: records is 0, expected 1 or more"),
        ("{1: {records: 10001}}", "1:22: files.1.records: records is 10001, expected 10000 or less"),
        ("{1: {records: 2, fill: 65536}}", "1:31: files.1.fill: word is 65536, expected 0 to 65535"),
        ("{1: {records: 2, values: {2: 1}}}", "1:34: files.1.values.2: record 2 does not exist, expected records 0 to 1"),
        ("{1: {records: 2, values: {1: [1, 2]}}}",
         "1:34: files.1.values.1: records 1 to 2 do not exist, expected records 0 to 1"),
        ("{1: {records: 2, values: {-1: 1}}}", "1:34: files.1.values.-1: record -1 does not exist, expected records 0 to 1"),
        ("{1: {records: 2, values: {0: [1, -1]}}}", "1:41: files.1.values.0.1: word is -1, expected 0 to 65535"),
        ("{1: {record: 2}}", "1:13: files.1.record: unknown key 'record', expected records, fill or values;"
         " did you mean 'records'?"),
    ],
)  # fmt: skip
def test_mistakes_in_files(complaints, text, complaint):
    assert f"p.yaml:{complaint}" in complaints(f"files: {text}")


def test_a_queue_has_values_or_a_point_that_fills_it(load):
    queues = load(
        f"fifos: {{0x04DE: {{values: [0x01B8, 0x1284]}}, 0x04DF: {{from: energy, depth: 10}}, 7: {{}}}}{POINTS}"
    ).fifos
    assert list(queues) == [0x04DE, 0x04DF, 7]
    assert (queues[0x04DE].values, queues[0x04DE].depth, queues[0x04DE].source) == (
        (0x01B8, 0x1284),
        31,
        None,
    )
    assert (queues[0x04DF].depth, queues[0x04DF].source.name) == (10, "energy")
    assert (queues[7].values, queues[7].depth) == ((), 31)


def test_a_queue_may_be_too_long_to_be_read(load):
    queues = load(f"fifos: {{1: {{values: {list(range(40))}}}, 2: {{depth: 65535}}}}").fifos
    assert (len(queues[1].values), queues[1].depth, queues[2].depth) == (40, 40, 65535)


@pytest.mark.parametrize(
    ("base", "written"), [("1", "1247"), ("modicon", "41247"), ("modicon", "401247"), ("modicon", '"401247"')]
)
def test_a_pointer_is_numbered_as_the_profile_numbers(load, base, written):
    assert list(load(f"address_base: {base}\nfifos: {{{written}: {{}}}}").fifos) == [0x04DE]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("{65536: {}}", "1:9: fifos.65536: address is 65536, expected 0 to 65535"),
        ('{"x": {}}', "1:9: fifos.x: address is 'x', expected a number such as 40 or 0x28"),
        ('{5: {}, "5": {}}', "1:16: fifos.5: address 5 has two queues, expected one"),
        ("{5: {values: [65536]}}", "1:22: fifos.5.values.0: word is 65536, expected 0 to 65535"),
        ("{5: {depth: 0}}", "1:20: fifos.5.depth: depth is 0, expected 1 or more"),
        ("{5: {depth: 65536}}", "1:20: fifos.5.depth: depth is 65536, expected 65535 or less"),
        ("{5: {values: [1, 2], depth: 1}}", "1:36: fifos.5.depth: depth is 1, expected 2 or more for the values"),
        ("{5: {from: energy, values: []}}", "1:27: fifos.5.values: values are given beside from, expected one of the two"),
        ("{5: {from: energie}}", "1:19: fifos.5.from: unknown point 'energie', expected energy; did you mean 'energy'?"),
        ("{5: {from: level}}", "1:19: fifos.5.from: point level has no generator, expected a point that moves"),
        ("{5: {from: alarm}}", "1:19: fifos.5.from: point alarm is in discrete_input, expected one in registers"),
        ("{5: {from: energy, depth: 1}}",
         "1:34: fifos.5.depth: depth is 1, expected 2 or more: so many registers has energy"),
    ],
)  # fmt: skip
def test_mistakes_in_queues(complaints, text, complaint):
    assert complaints(f"fifos: {text}{POINTS}") == [f"p.yaml:{complaint}"]


def test_a_point_with_a_problem_is_complained_of_once(complaints):
    text = "fifos: {5: {from: a}}\npoints: {a: {table: hr, address: -1, generator: {type: toggle}}}"
    assert len(complaints(text)) == 1


def test_files_merge_by_number_and_queues_are_replaced(load):
    profile = load(
        "extends: base\nfiles: {1: {fill: 2}, 3: {records: 1}}\nfifos: {5: {values: [9]}, 6: null}",
        base=f"files: {{1: {{records: 2}}, 2: {{records: 1}}}}\nfifos: {{5: {{from: energy}}, 6: {{}}, 7: {{}}}}{POINTS}",
    )
    assert profile.files == {1: b"\0\2\0\2", 2: b"\0\0", 3: b"\0\0"}
    assert list(profile.fifos) == [5, 7]
    assert profile.fifos[5].values == (9,)

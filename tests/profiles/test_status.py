"""``server_id`` and ``exception_status``: what functions 17 and 07 tell."""

from __future__ import annotations

import pytest

POINTS = """
points:
  alarm: {table: di, address: 0}
  high: {table: hr, address: 0, data_type: bool, bit: 3}
  status: {table: hr, address: 1, data_type: bits, bits: {0: running, 3: hot}}
  other: {table: hr, address: 2, data_type: bits, bits: {0: wet, 3: hot}}
  level: {table: hr, address: 3}
  flags: {table: coil, address: 0, count: 4}
"""


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("0", "00"), ("0x11", "11"), ("17", "11"), ("0xFF", "ff"), ("0x100", "01 00"), ("0x112233", "11 22 33"),
        ('"0x0011"', "00 11"), ('"0X00"', "00"),
    ],
)  # fmt: skip
def test_an_id_is_a_number_or_its_bytes(load, written, expected):
    assert load(f"server_id: {{id: {written}}}").server_id.id == bytes.fromhex(expected)


def test_a_server_runs_and_adds_nothing_unless_it_says_so(load):
    plain = load("server_id: {id: 1}").server_id
    assert (plain.running, plain.additional) == (True, "")
    full = load('server_id: {id: 1, running: false, additional: "EM3 {n:02}"}').server_id
    assert (full.running, full.additional) == (False, "EM3 {n:02}")
    assert load('server_id: {id: 1, additional: "0x00ff"}').server_id.additional == b"\0\xff"


def test_without_a_word_there_is_none(load):
    profile = load("name: p")
    assert profile.server_id is None
    assert profile.exception_status is None


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("server_id: {}", "1:12: server_id.id: id is missing, expected it here"),
        ("server_id: {id: -1}", "1:17: server_id.id: id is -1, expected 0 or more"),
        ("server_id: {id: EM3}", "1:17: server_id.id: id is 'EM3', expected pairs of hex digits after 0x"),
        ('server_id: {id: "0x1"}', "1:17: server_id.id: id is '0x1', expected pairs of hex digits after 0x"),
        ('server_id: {id: 1, additional: "0xzz"}',
         "1:32: server_id.additional: additional is '0xzz', expected pairs of hex digits after 0x"),
        ("server_id: {id: 1, runing: true}",
         "1:20: server_id.runing: unknown key 'runing', expected id, running or additional; did you mean 'running'?"),
        ("server_id: {id: 1, running: 1}", "1:29: server_id.running: running is 1, expected true or false"),
        ("exception_status: 256", "1:19: exception_status: exception status is 256, expected 0 to 255"),
        ("exception_status: -1", "1:19: exception_status: exception status is -1, expected 0 to 255"),
    ],
)  # fmt: skip
def test_mistakes(complaints, text, complaint):
    assert complaints(text) == [f"p.yaml:{complaint}"]


def test_a_template_that_cannot_be_filled_in(complaints):
    (text,) = complaints('server_id: {id: 1, additional: "{nmae}"}')
    assert text.startswith("p.yaml:1:32: server_id.additional: ")
    assert "nmae" in text


@pytest.mark.parametrize("size", [249, 250])
def test_a_server_id_fits_a_response(load, complaints, size):
    text = f'server_id: {{id: 1, additional: "{"x" * size}"}}'
    if size == 249:
        assert len(load(text).server_id.additional) == size
    else:
        assert complaints(text) == [
            "p.yaml:1:1: server_id: server id has 252 bytes with its run indicator, expected at most 251"
        ]


def test_the_exception_status_names_points_and_bits(load):
    bits = load(POINTS + "exception_status: [running, alarm, wet, high]").exception_status
    assert [(bit.point.name, bit.label) for bit in bits] == [
        ("status", "running"),
        ("alarm", None),
        ("other", "wet"),
        ("high", None),
    ]


def test_the_exception_status_is_a_number(load):
    assert load("exception_status: 0x6D").exception_status == 0x6D
    assert load("exception_status: []").exception_status == ()


@pytest.mark.parametrize(
    ("names", "place", "complaint"),
    [
        ("[level]", "20", "exception_status.0: point level is uint16, expected a single bool"),
        ("[alarm, flags]", "27", "exception_status.1: point flags is bool, expected a single bool"),
        ("[hot]", "20", "exception_status.0: bit hot is in status and other, expected a name that only one point has"),
        ("[alarn]", "20", "exception_status.0: unknown point or bit 'alarn', expected alarm, high, running, hot, wet or hot;"
         " did you mean 'alarm'?"),
        ("[alarm, alarm, alarm, alarm, alarm, alarm, alarm, alarm, alarm]", "19",
         "exception_status: exception status has 9 entries, expected at most 8"),
    ],
)  # fmt: skip
def test_names_that_are_no_bits(complaints, names, place, complaint):
    assert complaints(f"exception_status: {names}{POINTS}") == [f"p.yaml:1:{place}: {complaint}"]


def test_a_point_with_a_problem_is_complained_of_once(complaints):
    text = "exception_status: [alarm]\npoints: {alarm: {table: di, address: -1}}"
    assert len(complaints(text)) == 1


def test_a_base_gives_its_server_id_key_by_key(load):
    profile = load("extends: base\nserver_id: {running: false}", base="server_id: {id: 7, additional: x}")
    assert (profile.server_id.id, profile.server_id.running, profile.server_id.additional) == (
        b"\x07",
        False,
        "x",
    )

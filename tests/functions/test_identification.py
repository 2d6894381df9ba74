"""Function 43/14: what a device says of itself, in pieces that fit a PDU (V1.1b3 §6.21)."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from simulator.device import Device, DeviceKind
from simulator.functions.standard import function_table

BASIC = {0: b"Acme", 1: b"EM3", 2: b"1.4"}
REGULAR = {**BASIC, 3: b"https://example.com", 4: b"Meter", 5: b"EM3-100", 6: b"meter-0001"}
EXTENDED = {**REGULAR, 0x80: b"private", 0xFF: b"\x00\x01\xfe"}


@pytest.fixture
def identify(ask):
    """Ask a device with these objects; the response as bytes."""

    def identify(objects: Mapping[int, bytes], read_code: int, object_id: int = 0) -> bytes:
        device = Device(DeviceKind(function_table(), identity=lambda row: objects))
        return bytes.fromhex(ask(f"2B 0E {read_code:02X} {object_id:02X}", device=device))

    return identify


def carried(response: bytes) -> dict[int, bytes]:
    """The objects of one response, its count and lengths checked."""
    assert response[:2] == b"\x2b\x0e"
    assert len(response) <= 253
    found: dict[int, bytes] = {}
    rest = response[7:]
    while rest:
        assert len(rest) >= 2 + rest[1], "an object is cut"
        found[rest[0]] = rest[2 : 2 + rest[1]]
        rest = rest[2 + rest[1] :]
    assert list(found) == sorted(found)
    assert response[6] == len(found)
    return found


@pytest.mark.parametrize(
    ("objects", "level"), [(BASIC, 0x81), (REGULAR, 0x82), (EXTENDED, 0x83), ({**BASIC, 0x80: b"x"}, 0x83)]
)
def test_a_device_tells_its_conformity_level_in_every_answer(identify, objects, level):
    for read_code in (1, 2, 3, 4):
        response = identify(objects, read_code)
        assert response[2] == read_code
        assert response[3] == level


def test_each_read_code_gives_its_objects(identify):
    assert carried(identify(EXTENDED, 1)) == BASIC
    assert carried(identify(EXTENDED, 2)) == REGULAR
    assert carried(identify(EXTENDED, 3)) == EXTENDED


def test_a_device_asked_for_more_than_it_has_gives_what_it_has(identify):
    assert carried(identify(BASIC, 2)) == BASIC
    assert carried(identify(REGULAR, 3)) == REGULAR


@pytest.mark.parametrize("object_id", [1, 2, 4, 6])
def test_a_stream_begins_where_it_is_asked_to(identify, object_id):
    expected = {key: value for key, value in REGULAR.items() if key >= object_id}
    assert carried(identify(REGULAR, 2, object_id)) == expected


@pytest.mark.parametrize(("read_code", "object_id"), [(1, 3), (1, 0x80), (2, 7), (2, 0x80), (3, 0x81)])
def test_a_stream_asked_to_begin_at_an_unknown_object_begins_at_the_first(identify, read_code, object_id):
    """§6.21: an object id that matches nothing is answered as if object 0 were meant."""
    assert carried(identify(EXTENDED, read_code, object_id)) == carried(identify(EXTENDED, read_code, 0))


def stream(identify, objects, read_code):
    """Read to the end as a client does; the objects, and how many responses it took."""
    found: dict[int, bytes] = {}
    object_id, responses, more = 0, 0, True
    while more:
        response = identify(objects, read_code, object_id)
        piece = carried(response)
        assert piece, "a response without an object never ends"
        assert not found.keys() & piece.keys()
        found.update(piece)
        responses += 1
        assert response[4] in (0x00, 0xFF)
        more, object_id = response[4] == 0xFF, response[5]
        assert more or object_id == 0
        assert responses < 100
    return found, responses


def test_what_fits_one_response_comes_in_one(identify):
    #  246 bytes are left for objects, each 2 and its value
    objects = {0: b"a" * 80, 1: b"b" * 80, 2: b"c" * 80}
    assert stream(identify, objects, 1) == (objects, 1)
    assert len(identify(objects, 1)) == 253


def test_one_byte_more_takes_a_second_response(identify):
    objects = {0: b"a" * 80, 1: b"b" * 80, 2: b"c" * 81}
    assert stream(identify, objects, 1) == (objects, 2)
    assert identify(objects, 1)[4:7] == b"\xff\x02\x02"  # more follows, from object 2, two are here


def test_a_long_identification_comes_in_as_many_as_it_takes(identify):
    objects = {key: bytes((key,)) * 244 for key in [*range(7), *range(0x80, 0x8A)]}
    assert stream(identify, objects, 3) == (objects, len(objects))
    mixed = {key: bytes((key,)) * (key * 29 % 245) for key in objects}
    found, responses = stream(identify, mixed, 3)
    assert found == mixed
    assert responses < len(objects)


@pytest.mark.parametrize("object_id", [0, 2, 6, 0x80, 0xFF])
def test_one_object_can_be_read_alone(identify, object_id):
    response = identify(EXTENDED, 4, object_id)
    assert carried(response) == {object_id: EXTENDED[object_id]}
    assert response[4:7] == b"\x00\x00\x01"


@pytest.mark.parametrize("object_id", [7, 0x7F, 0x81, 0xFE])
def test_an_object_that_does_not_exist_answers_02_when_read_alone(identify, object_id):
    assert identify(EXTENDED, 4, object_id) == b"\xab\x02"


@pytest.mark.parametrize("read_code", [0, 5, 0x80, 0xFF])
def test_a_read_code_that_does_not_exist_answers_03(identify, read_code):
    assert identify(EXTENDED, read_code) == b"\xab\x03"
    assert identify(EXTENDED, read_code, 0x44) == b"\xab\x03"


@pytest.mark.parametrize("mei", [0x00, 0x0D, 0x0F, 0xFF])
def test_another_mei_type_answers_01(ask, mei):
    device = Device(DeviceKind(function_table(), identity=lambda row: BASIC))
    assert ask(f"2B {mei:02X} 00 00", device=device) == "AB 01"


@pytest.mark.parametrize("request_", ["2B", "2B 0E", "2B 0E 01", "2B 0E 01 00 00"])
def test_a_request_of_another_length_answers_03(ask, request_):
    device = Device(DeviceKind(function_table(), identity=lambda row: BASIC))
    assert ask(request_, device=device) == "AB 03"


def test_a_device_without_identification_answers_01(ask):
    assert ask("2B 0E 01 00") == "AB 01"


def test_the_objects_are_those_of_the_device_that_is_asked(ask):
    kind = DeviceKind(function_table(), rows=3, identity=lambda row: {0: f"device {row}".encode()})
    assert ask("2B 0E 04 00", device=Device(kind, 2)).endswith(b"device 2".hex(" ").upper())

"""Functions 20 and 21: every limit and exception (V1.1b3 §6.14, §6.15), and whose records are written."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from simulator.device import Device, DeviceKind
from simulator.files import FileStore
from simulator.functions.standard import function_table

TEN = b"".join(number.to_bytes(2, "big") for number in range(10))
LARGE = bytes(2 * 10_000)


def words(*numbers: int) -> str:
    return "".join(f"{number:04X}" for number in numbers)


def read(*groups: tuple[int, int, int], kind: int = 6) -> str:
    body = "".join(f"{kind:02X}{words(*group)}" for group in groups)
    return f"14 {len(body) // 2 & 255:02X} {body}"


def write(*groups: tuple[int, int, str], kind: int = 6) -> str:
    body = "".join(f"{kind:02X}{words(file, record, len(data) // 4)}{data}" for file, record, data in groups)
    return f"15 {len(body) // 2 & 255:02X} {body}"


@pytest.fixture
def devices() -> list[Device]:
    """Two devices of a kind: file 1 has records 0 to 9, file 3 all 10 000, file 65535 one."""
    files = FileStore({1: TEN, 3: LARGE, 0xFFFF: b"\xbe\xef"})
    kind = DeviceKind(function_table(), rows=2, files=files)
    return [Device(kind, row) for row in (0, 1)]


@pytest.fixture
def say(ask, devices) -> Callable[..., str]:
    return lambda request, row=0: ask(request, device=devices[row])


def test_a_request_may_ask_for_several_stretches_of_several_files(say):
    #  function
    #  |  byte count
    #  |  |  length
    #  |  |  |  reference type
    #  |  |  |  |  records           length, type, records
    expected = "14 0E 05 06 00 01 00 02 03 06 BE EF 03 06 00 09"
    assert say(read((1, 1, 2), (0xFFFF, 0, 1), (1, 9, 1))) == expected


@pytest.mark.parametrize(
    "group",
    [
        (0, 0, 1),  # file 0 cannot be
        (2, 0, 1),  # no such file
        (1, 10, 1), (1, 9, 2), (1, 0, 11), (1, 0, 0),
        (0xFFFF, 1, 1),
        (3, 10_000, 1), (3, 9_999, 2), (3, 0xFFFF, 1), (3, 0, 0xFFFF),
    ],
)  # fmt: skip
def test_what_does_not_exist_answers_02(say, group):
    assert say(read(group)) == "94 02"
    assert say(read((1, 0, 1), group)) == "94 02"


def test_the_last_record_of_all_is_9999(say):
    assert say(read((3, 9_999, 1))) == "14 04 03 06 00 00"
    assert say(read((3, 0x270F, 1))) == "14 04 03 06 00 00"


@pytest.mark.parametrize("kind", [0, 5, 7, 255])
def test_another_reference_type_answers_02(say, kind):
    assert say(read((1, 0, 1), kind=kind)) == "94 02"
    assert say(write((1, 0, "0000"), kind=kind)) == "95 02"


@pytest.mark.parametrize(
    "request_",
    [
        "14", "14 00", "14 06 06 0001 0000 00", "14 08 06 0001 0000 0001 00",  # no whole groups
        "14 07 06 0001 0000", "14 07 06 0001 0000 0001 00", "14 08 06 0001 0000 0001",  # count and bytes differ
        read(*[(1, 0, 1)] * 36),  # 252 bytes, 245 are allowed
    ],
)  # fmt: skip
def test_20_with_a_wrong_byte_count_answers_03(say, request_):
    assert say(request_) == "94 03"


def test_a_response_is_at_most_245_bytes_of_groups(say):
    assert len(bytes.fromhex(say(read((3, 0, 121))))) == 2 + 2 + 242
    assert say(read((3, 0, 122))) == "94 02"  # no group can be that long
    assert len(bytes.fromhex(say(read((3, 0, 60), (3, 0, 60))))) == 2 + 4 + 240
    assert say(read((3, 0, 60), (3, 0, 61))) == "94 03"
    assert len(bytes.fromhex(say(read(*[(3, 0, 1)] * 35)))) == 2 + 4 * 35


def test_21_writes_all_groups_and_answers_with_the_request(say):
    request = write((1, 2, "AAAABBBB"), (0xFFFF, 0, "CCCC"))
    assert say(request) == bytes.fromhex(request).hex(" ").upper()
    assert say(read((1, 1, 4), (0xFFFF, 0, 1))) == "14 0E 09 06 00 01 AA AA BB BB 00 04 03 06 CC CC"


@pytest.mark.parametrize(
    "bad", [(2, 0, "0000"), (1, 10, "0000"), (1, 9, "00000000"), (3, 10_000, "0000"), (0, 0, "0000")]
)
def test_21_writes_nothing_when_a_group_does_not_exist(say, bad):
    assert say(write((1, 0, "AAAA"), bad)) == "95 02"
    assert say(write(bad)) == "95 02"
    assert say(read((1, 0, 1))) == "14 04 03 06 00 00"


@pytest.mark.parametrize(
    "request_",
    [
        "15", "15 00",
        "15 07 06 0001 0000 0000",  # a group without a record
        "15 08 06 0001 0000 0001 00", "15 0A 06 0001 0000 0001 0000 00",
        "15 09 06 0001 0000 0002 0000",  # one record of two
        "15 08 06 0001 0000 0001 0000", "15 09 06 0001 0000 0001 0000 00",  # count and bytes differ
    ],
)  # fmt: skip
def test_21_with_a_wrong_byte_count_or_length_answers_03(say, request_):
    assert say(request_) == "95 03"


def test_21_carries_at_most_122_records(say):
    assert say(write((3, 0, "ABCD" * 122))).startswith("15 FB 06 00 03 00 00 00 7A AB CD")
    assert (
        say(write((3, 0, "ABCD" * 123))) == "95 03"
    )  # 253 bytes: the byte count says so, a PDU cannot carry it
    assert say(read((3, 120, 3))) == "14 08 07 06 AB CD AB CD 00 00"


def test_a_device_writes_its_own_records_and_nobody_elses(say, devices):
    say(write((1, 0, "FFFF")))
    assert say(read((1, 0, 2))) == "14 06 05 06 FF FF 00 01"
    assert say(read((1, 0, 2)), 1) == "14 06 05 06 00 00 00 01"
    say(write((1, 1, "EEEE")), 1)
    assert say(read((1, 0, 2))) == "14 06 05 06 FF FF 00 01"


def test_nothing_is_copied_before_it_is_written(say, devices):
    files = devices[0].kind.files
    say(read((3, 0, 100)))
    say(write((3, 10_000, "0000")))
    assert files.copies == 0
    say(write((3, 9_999, "0000")))
    say(write((3, 0, "0000")))
    assert files.copies == 1


@pytest.mark.parametrize("content", [b"", b"\0", b"\0\0\0", bytes(20_002)])
def test_a_file_has_1_to_10_000_records(content):
    with pytest.raises(ValueError) as caught:
        FileStore({1: content})
    assert str(caught.value) == f"file 1 has {len(content)} bytes, expected words for 1 to 10000 records"

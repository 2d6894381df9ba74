"""The worked examples of MODBUS Application Protocol V1.1b3, byte for byte, and what they leave behind."""

from __future__ import annotations

import pytest

from simulator.blocks.memory import sequential_bits, sequential_registers, sparse_registers
from simulator.device import Device, DeviceKind, ServerId
from simulator.fifos import FifoStore, PushedQueue
from simulator.files import FileStore
from simulator.functions.standard import function_table


def bits(text: str) -> list[int]:
    """Bits as the specification draws them, byte by byte, the highest of each first."""
    return [int(bit) for byte in text.split() for bit in reversed(byte)]


def spaced(text: str) -> str:
    return bytes.fromhex(text).hex(" ").upper()


def test_01_read_coils_20_to_38(ask):
    """§6.1"""
    coils = sequential_bits(19, bits("11001101 01101011 00000101"))
    #  function
    #  |  address                       function
    #  |  |     quantity                |  byte count
    #  |  |     |                       |  |  27-20 35-28 38-36
    assert ask("01 00 13 00 13", coils=coils) == "01 03 CD 6B 05"


def test_02_read_discrete_inputs_197_to_218(ask):
    """§6.2"""
    inputs = sequential_bits(196, bits("10101100 11011011 00110101"))
    #  function
    #  |  address                       function
    #  |  |     quantity                |  byte count
    #  |  |     |                       |  |  204-197 212-205 218-213
    assert ask("02 00 C4 00 16", discrete_inputs=inputs) == "02 03 AC DB 35"


def test_03_read_holding_registers_108_to_110(ask):
    """§6.3"""
    registers = sequential_registers(107, [0x022B, 0x0000, 0x0064])
    #  function
    #  |  address                       function
    #  |  |     quantity                |  byte count
    #  |  |     |                       |  |  108   109   110
    assert ask("03 00 6B 00 03", holding_registers=registers) == "03 06 02 2B 00 00 00 64"


def test_04_read_input_register_9(ask):
    """§6.4"""
    #  function
    #  |  address                       function
    #  |  |     quantity                |  byte count
    #  |  |     |                       |  |  9
    assert ask("04 00 08 00 01", input_registers=sequential_registers(8, [10])) == "04 02 00 0A"


def test_05_write_coil_173_on_and_off(ask):
    """§6.5"""
    coils = sequential_bits(172, [0])
    #  function
    #  |  address
    #  |  |     value                   the response is the request
    assert ask("05 00 AC FF 00", coils=coils) == "05 00 AC FF 00"
    assert ask("01 00 AC 00 01", coils=coils) == "01 01 01"
    assert ask("05 00 AC 00 00", coils=coils) == "05 00 AC 00 00"
    assert ask("01 00 AC 00 01", coils=coils) == "01 01 00"


def test_06_write_register_2(ask):
    """§6.6"""
    registers = sequential_registers(0, [1, 1, 1])
    #  function
    #  |  address
    #  |  |     value                   the response is the request
    assert ask("06 00 01 00 03", holding_registers=registers) == "06 00 01 00 03"
    assert ask("03 00 00 00 03", holding_registers=registers) == "03 06 00 01 00 03 00 01"


def test_07_read_exception_status(ask):
    """§6.7"""
    device = Device(DeviceKind(function_table(), exception_status=lambda device: 0b01101101))
    #  function                         function
    #  |                                |  outputs
    assert ask("07", device=device) == "07 6D"


def test_08_00_return_query_data(ask):
    """§6.8.3"""
    #  function
    #  |  sub-function
    #  |  |     data                    the response is the request
    assert ask("08 00 00 A5 37") == "08 00 00 A5 37"


def test_11_get_comm_event_counter(ask):
    """§6.9: 264 events, and a program function still in progress"""
    device = Device(DeviceKind(function_table()))
    device.kind.requests[0] = 264
    device.state.in_progress = True
    #                                   function
    #  function                         |  status
    #  |                                |  |     event count
    assert ask("0B", device=device) == "0B FF FF 01 08"


def test_12_get_comm_event_log(ask):
    """§6.10: 264 events in 289 messages, and the device was restarted.

    The example's log is not one of the events it goes with; this one is that of a restarted device that is asked.
    """
    device = Device(DeviceKind(function_table()))
    ask("08 0001 FF00", device=device)
    for _ in range(24):
        device.state.asked_for_events()
    log = device.state.log()
    device.kind.requests[0] += 288
    assert log == b"\x00"
    #  function
    #  |  byte count
    #  |  |  status
    #  |  |  |     event count
    #  |  |  |     |     message count
    #  |  |  |     |     |     events, the newest first
    assert ask("0C", device=device).startswith("0C 46 00 00 01 08 01 21 80 40 80 40")


def test_15_write_coils_20_to_29(ask):
    """§6.11"""
    coils = sequential_bits(18, [1] + [0] * 10 + [1])
    #  function
    #  |  address
    #  |  |     quantity
    #  |  |     |     byte count        function
    #  |  |     |     |  27-20 29-28    |  address
    #  |  |     |     |  |  |           |  |     quantity
    assert ask("0F 00 13 00 0A 02 CD 01", coils=coils) == "0F 00 13 00 0A"
    assert ask("01 00 13 00 0A", coils=coils) == "01 02 CD 01"
    assert ask("01 00 12 00 0C", coils=coils) == "01 02 9B 0B"  # and the coils beside them as they were


def test_16_write_registers_2_and_3(ask):
    """§6.12"""
    registers = sequential_registers(0, [7, 7, 7, 7])
    #  function
    #  |  address
    #  |  |     quantity
    #  |  |     |     byte count        function
    #  |  |     |     |  2     3        |  address
    #  |  |     |     |  |     |        |  |     quantity
    assert ask("10 00 01 00 02 04 00 0A 01 02", holding_registers=registers) == "10 00 01 00 02"
    assert ask("03 00 00 00 04", holding_registers=registers) == "03 08 00 07 00 0A 01 02 00 07"


def test_17_report_server_id(ask):
    """§6.13 gives no bytes; id 11, on, nothing more."""
    device = Device(DeviceKind(function_table(), server_id=lambda row: ServerId(b"\x11")))
    #                                   function
    #                                   |  byte count
    #  function                         |  |  server id
    #  |                                |  |  |  run indicator
    assert ask("11", device=device) == "11 02 11 FF"


def test_20_read_two_groups_of_two_files(ask):
    """§6.14: file 4 from record 1 on, file 3 from record 9 on"""
    files = FileStore({4: bytes(2) + bytes.fromhex("0DFE0020"), 3: bytes(18) + bytes.fromhex("33CD0040")})
    #  function
    #  |  byte count
    #  |  |  reference type
    #  |  |  |  file number
    #  |  |  |  |     record number
    #  |  |  |  |     |     record length
    #  |  |  |  |     |     |     reference type
    #  |  |  |  |     |     |     |  file, record, length
    request = "14 0E 06 00 04 00 01 00 02 06 00 03 00 09 00 02"
    #  function
    #  |  byte count
    #  |  |  length of the first group
    #  |  |  |  reference type
    #  |  |  |  |  records 1 and 2
    #  |  |  |  |  |           length of the second group
    #  |  |  |  |  |           |  reference type
    #  |  |  |  |  |           |  |  records 9 and 10
    response = "14 0C 05 06 0D FE 00 20 05 06 33 CD 00 40"
    assert ask(request, device=Device(DeviceKind(function_table(), files=files))) == response


def test_21_write_three_records_of_file_4(ask):
    """§6.15"""
    device = Device(DeviceKind(function_table(), files=FileStore({4: bytes(20)})))
    #  function
    #  |  byte count
    #  |  |  reference type
    #  |  |  |  file number
    #  |  |  |  |     record number
    #  |  |  |  |     |     record length
    #  |  |  |  |     |     |     records 7, 8, 9; the response is the request
    request = "15 0D 06 00 04 00 07 00 03 06 AF 04 BE 10 0D"
    assert ask(request, device=device) == request
    assert ask("14 07 06 00 04 00 06 00 04", device=device) == "14 0A 09 06 00 00 06 AF 04 BE 10 0D"


def test_22_mask_write_register_5(ask):
    """§6.16: 12 AND F2 OR (25 AND NOT F2) is 17"""
    registers = sequential_registers(4, [0x0012])
    #  function
    #  |  address
    #  |  |     AND mask
    #  |  |     |     OR mask           the response is the request
    assert ask("16 00 04 00 F2 00 25", holding_registers=registers) == "16 00 04 00 F2 00 25"
    assert ask("03 00 04 00 01", holding_registers=registers) == "03 02 00 17"


@pytest.mark.parametrize(
    ("masks", "result"),
    [
        ("00 00 AB CD", "AB CD"),  # AND of nothing: the OR mask
        ("FF FF AB CD", "12 34"),  # AND of everything: as it was
        ("FF FE 00 01", "12 35"),  # one bit set
        ("FF EF 00 00", "12 24"),  # one bit cleared
    ],
)
def test_22_masks_at_their_ends(ask, masks, result):
    registers = sequential_registers(4, [0x1234])
    ask(f"16 00 04 {masks}", holding_registers=registers)
    assert ask("03 00 04 00 01", holding_registers=registers) == f"03 02 {result}"


def test_23_read_registers_4_to_9_and_write_15_to_17(ask):
    """§6.17"""
    values = dict(zip(range(3, 9), [0x00FE, 0x0ACD, 0x0001, 0x0003, 0x000D, 0x00FF], strict=True))
    registers = sparse_registers({**values, 14: 0, 15: 0, 16: 0})
    #  function
    #  |  read address
    #  |  |     read quantity
    #  |  |     |     write address
    #  |  |     |     |     write quantity
    #  |  |     |     |     |     byte count
    #  |  |     |     |     |     |  15    16    17
    request = "17 00 03 00 06 00 0E 00 03 06 00 FF 00 FF 00 FF"
    #  function
    #  |  byte count
    #  |  |  4     5     6     7     8     9
    response = "17 0C 00 FE 0A CD 00 01 00 03 00 0D 00 FF"
    assert ask(request, holding_registers=registers) == response
    assert ask("03 00 0E 00 03", holding_registers=registers) == "03 06 00 FF 00 FF 00 FF"


def test_23_writes_before_it_reads(ask):
    """§6.17: "the write operation is performed before the read" """
    registers = sequential_registers(0, [1, 2, 3])
    assert (
        ask("17 00 00 00 03 00 01 00 01 02 BE EF", holding_registers=registers) == "17 06 00 01 BE EF 00 03"
    )


def test_24_read_fifo_queue_at_1246(ask):
    """§6.18"""
    queue = PushedQueue(bytes.fromhex("01B8 1284"), 31)
    device = Device(DeviceKind(function_table(), fifos=FifoStore({0x04DE: queue})))
    #                                         function
    #                                         |  byte count
    #  function                               |  |     queue count
    #  |  pointer address                     |  |     |     440   4740
    assert ask("18 04 DE", device=device) == "18 00 06 00 02 01 B8 12 84"


def test_43_14_read_basic_identification(ask):
    """§6.21; the conformity level says 81 and not 01: single objects can be read as well."""
    objects = {0: b"Company identification", 1: b"Product code XX", 2: b"V2.11"}
    device = Device(DeviceKind(function_table(), identity=lambda row: objects))
    #  function
    #  |  MEI type
    #  |  |  read device id code
    #  |  |  |  object id
    request = "2B 0E 01 00"
    response = (
        #  function
        #  |  MEI type
        #  |  |  read device id code
        #  |  |  |  conformity level
        #  |  |  |  |  more follows
        #  |  |  |  |  |  next object
        #  |  |  |  |  |  |  number of objects
        "2B 0E 01 81 00 00 03"
        #  object id
        #  |  length
        #  |  |  value
        f" 00 16 {b'Company identification'.hex()}"
        f" 01 0F {b'Product code XX'.hex()}"
        f" 02 05 {b'V2.11'.hex()}"
    )
    assert ask(request, device=device) == spaced(response)

"""pymodbus 3, blocking, over every transport it has: the function codes that few devices have.

Two responses it cannot cut out of a stream of RTU: it takes the length of 08/21 for 118 bytes instead of 116 (or 8),
that of 24 for two bytes less than it is.  There its requests are sent and the bytes of the responses compared.
"""

from __future__ import annotations

import socket

import pytest
from pymodbus.framer import FramerRTU
from pymodbus.pdu import DecodePDU
from pymodbus.pdu.file_message import FileRecord

BUT_RTU = ["tcp", "udp", "tls", "ascii+tcp", "ascii"]


@pytest.fixture
def client(pymodbus_client):
    for unit in (2, 1):  # the message that starts unit 2 again is on the bus of unit 1
        good(pymodbus_client.diag_restart_communication(True, device_id=unit))
    return pymodbus_client


def good(response):
    assert not response.isError(), response
    return response


def test_07_exception_status(client):
    assert good(client.read_exception_status()).status == 0b10
    good(client.write_register(130, 0b11))
    assert good(client.read_exception_status()).status == 0b11
    assert good(client.read_exception_status(device_id=2)).status == 0b10
    good(client.write_register(130, 0b10))


def test_08_query_data_comes_back(client):
    assert good(client.diag_query_data(b"\xa5\x37")).message == b"\xa5\x37"


def test_08_counters(client):
    client.read_holding_registers(0xFFFF)  # refused
    counters = {
        "diag_read_bus_message_count": 2,
        "diag_read_bus_comm_error_count": 0,
        "diag_read_bus_exception_error_count": 1,
        "diag_read_device_message_count": 5,
        "diag_read_device_no_response_count": 0,
        "diag_read_device_nak_count": 0,
        "diag_read_device_busy_count": 0,
        "diag_read_bus_char_overrun_count": 0,
        "diag_read_diagnostic_register": 0,
    }
    for name, count in counters.items():
        assert good(getattr(client, name)()).message == count, name
    good(client.diag_clear_counters())
    good(client.diag_clear_overrun_counter())
    assert good(client.diag_read_bus_message_count()).message == 2


@pytest.mark.parametrize("pymodbus_client", BUT_RTU, indirect=True)
def test_08_statistics_of_modbus_plus(client):
    good(client.diag_getclear_modbus_response(data=4))
    operation, *words = good(client.diag_getclear_modbus_response(data=3)).message
    assert (operation, len(words)) == (3, 54)
    assert words == [0] * 20 + [1] + [0] * 33


def test_08_delimiter(client):
    good(client.diag_change_ascii_input_delimeter(delimiter=0x0A00))


def test_08_listen_only_and_restart(client):
    client.diag_force_listen_only(no_response_expected=True)
    client.read_coils(0, no_response_expected=True)
    assert good(client.read_holding_registers(0, device_id=2)).registers == [2]
    client.diag_restart_communication(False, no_response_expected=True)
    assert good(client.read_holding_registers(0)).registers == [1]
    # received; restarted; nothing sent, received: four times; entered listen-only mode
    assert good(client.diag_get_comm_event_log()).events == [
        0x80, 0x40, 0x80, 0x00, 0x60, 0xA0, 0x60, 0xA0, 0x60, 0x04, 0x80, 0x00,
    ]  # fmt: skip


def test_11_event_counter(client):
    for _ in range(3):
        good(client.read_coils(0))
    client.read_coils(0xFFFF)
    response = good(client.diag_get_comm_event_counter())
    assert (response.status, response.count) == (True, 3)  # pymodbus calls 0x0000, ready, true


def test_12_event_log(client):
    good(client.read_coils(0))
    client.read_coils(0xFFFF)
    response = good(client.diag_get_comm_event_log())
    assert (response.status, response.event_count, response.message_count) == (True, 1, 3)
    assert response.events == [0x80, 0x41, 0x80, 0x40, 0x80, 0x00]


def test_17_server_id(client):
    response = good(client.report_device_id(device_id=2))
    assert (response.identifier, response.status) == (b"\x11\x22", True)


def test_20_and_21_file_records(client):
    wanted = [  # lengths in bytes here
        FileRecord(file_number=4, record_number=1, record_length=4),
        FileRecord(file_number=3, record_number=9, record_length=2),
    ]
    response = good(client.read_file_record(wanted))
    assert [record.record_data for record in response.records] == [b"\x0d\xfe\x00\x20", b"\x00\x07"]
    good(client.write_file_record([FileRecord(file_number=3, record_number=9, record_data=b"\xbe\xef")]))
    assert good(client.read_file_record(wanted[1:])).records[0].record_data == b"\xbe\xef"
    assert good(client.read_file_record(wanted[1:], device_id=2)).records[0].record_data == b"\x00\x07"
    assert (
        client.read_file_record([FileRecord(file_number=5, record_number=0, record_length=2)]).exception_code
        == 2
    )


@pytest.mark.parametrize("pymodbus_client", BUT_RTU, indirect=True)
def test_24_fifo_queue(client):
    assert good(client.read_fifo_queue(address=3000, device_id=2)).values == [0x01B8, 0x1284]
    good(client.write_register(3000, 5))
    good(client.write_registers(3000, [6, 7]))
    assert good(client.read_fifo_queue(address=3000)).values == [0x01B8, 0x1284, 5, 6, 7]
    assert client.read_fifo_queue(address=3001).exception_code == 3
    assert client.read_fifo_queue(address=1).exception_code == 2


DISAGREED = {
    "statistics of modbus plus": ("08 0015 0003", "08 0015 0003" + "0000" * 20 + "0001" + "0000" * 33),
    "clear statistics of modbus plus": ("08 0015 0004", "08 0015 0004"),
    "fifo queue": ("18 0bb8", "18 0006 0002 01b8 1284"),
}


class OverTcp:
    """Bytes over a connection, with the methods of a serial port."""

    def __init__(self, port):
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=10)
        self.write = self._socket.sendall

    def read(self, size):
        return self._socket.recv(size, socket.MSG_WAITALL)

    def close(self):
        self._socket.close()


@pytest.mark.parametrize(("request_", "response"), DISAGREED.values(), ids=DISAGREED)
@pytest.mark.parametrize("listener", ["rtu+tcp", "rtu"])
def test_the_bytes_that_it_cannot_read_in_rtu(listening, wire, listener, request_, response):
    line = wire("rtu") if listener == "rtu" else OverTcp(listening.port(listener))
    framer = FramerRTU(DecodePDU(False))
    for asked, answered in (("08 0015 0004", "08 0015 0004"), (request_, response)):
        expected = framer.encode(bytes.fromhex(answered), 2, 0)
        line.write(framer.encode(bytes.fromhex(asked), 2, 0))
        assert line.read(len(expected)) == expected
    line.close()

"""What stands in the PDU of each function code, byte by byte: the tables that ``pdus`` walks by.

A walker takes what it finds and judges nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal

from simulator.explanation.fields import Walk, hexadecimal
from simulator.explanation.names import OBJECTS, exception_name, reference
from simulator.protocol import codes, identification, messages
from simulator.protocol.codes import Table
from simulator.protocol.contract import Request, Response
from simulator.protocol.diagnostics import Diagnostic
from simulator.protocol.files import REFERENCE_TYPE

Direction = Literal["request", "response"]
Walker = Callable[[Walk, Request | None], None]

READ_REGISTERS = {
    codes.READ_HOLDING_REGISTERS: Table.HOLDING_REGISTER,
    codes.READ_INPUT_REGISTERS: Table.INPUT_REGISTER,
}
READ_BITS = {codes.READ_COILS: Table.COIL, codes.READ_DISCRETE_INPUTS: Table.DISCRETE_INPUT}
_READ_CODES = {1: "basic objects", 2: "regular objects", 3: "extended objects", 4: "one object"}


def walker_of(code: int, direction: Direction) -> Walker:
    """How the PDU of a function code is walked; codes of plug-ins by their layout."""
    known = (_REQUEST_WALKERS if direction == "request" else _RESPONSE_WALKERS).get(code)
    if known is not None:
        return known
    registered: Mapping[int, type[Request] | type[Response]]
    registered = messages.REQUESTS if direction == "request" else messages.RESPONSES
    found = registered.get(code)
    return _anything if found is None or found.layout is None else _by_layout(found)


def exception(walk: Walk, asked: Request | None) -> None:
    walk.byte("exception code", lambda code: f"{code}, {exception_name(code)}", clause="V1.1b3 §7")


def _address(walk: Walk, table: Table, name: str = "address") -> int:
    return walk.word(name, lambda value: f"{value} (reference {reference(table, value)})")


def _address_quantity(table: Table) -> Walker:
    def walker(walk: Walk, asked: Request | None) -> None:
        _address(walk, table)
        walk.word("quantity")

    return walker


def _registers(walk: Walk, count: int, first: int | None, table: Table) -> None:
    """``count`` bytes of registers; with addresses when that of the first is known."""
    for index in range((count + 1) // 2):
        name = f"register {index}" if first is None else f"{table.label.replace('_', ' ')} {first + index}"
        walk.word(name, _register_text)


def _register_text(value: int) -> str:
    return f"{value}" if value < 0x8000 else f"{value} or {value - 0x10000}"


def _bits(walk: Walk, count: int, quantity: int | None, first: int | None, table: Table) -> None:
    """``count`` bytes of bits, the first in the least significant place (V1.1b3 §6.1)."""
    base = first or 0
    noun = "bits" if first is None else f"{table.label.replace('_', ' ')}s"
    for index in range(count):
        start = 8 * index
        used = 8 if quantity is None else max(0, min(8, quantity - start))

        def meaning(value: int, used: int = used) -> str:
            shown = " ".join(str(value >> bit & 1) for bit in range(used))
            return shown + (f" and {8 - used} to fill up" if used < 8 else "")

        walk.byte(f"{noun} {base + start} to {base + start + max(used, 1) - 1}", meaning)


def _read_registers(walk: Walk, asked: Request | None) -> None:
    code = walk.data[0]
    name = "read_address" if code == codes.READ_WRITE_MULTIPLE_REGISTERS else "address"
    first = getattr(asked, name, None)
    count = walk.byte("byte count")
    _registers(walk, min(count, walk.left), first, READ_REGISTERS.get(code, Table.HOLDING_REGISTER))


def _read_bits(walk: Walk, asked: Request | None) -> None:
    count = walk.byte("byte count")
    quantity, first = getattr(asked, "quantity", None), getattr(asked, "address", None)
    _bits(walk, min(count, walk.left), quantity, first, READ_BITS[walk.data[0]])


def _write_coil(walk: Walk, asked: Request | None) -> None:
    _address(walk, Table.COIL)
    names = {codes.COIL_ON: "on", codes.COIL_OFF: "off"}
    walk.word("value", lambda value: f"0x{value:04X}, {names.get(value, 'neither on nor off')}")


def _write_register(walk: Walk, asked: Request | None) -> None:
    _address(walk, Table.HOLDING_REGISTER)
    walk.word("value", _register_text)


def _write_coils(walk: Walk, asked: Request | None) -> None:
    first = _address(walk, Table.COIL)
    quantity = walk.word("quantity")
    count = walk.byte("byte count")
    _bits(walk, min(count, walk.left), quantity, first, Table.COIL)


def _write_registers(walk: Walk, asked: Request | None) -> None:
    first = _address(walk, Table.HOLDING_REGISTER)
    walk.word("quantity")
    count = walk.byte("byte count")
    _registers(walk, min(count, walk.left), first, Table.HOLDING_REGISTER)


def _mask_write(walk: Walk, asked: Request | None) -> None:
    _address(walk, Table.HOLDING_REGISTER)
    walk.word("AND mask", lambda value: f"0x{value:04X}, bits that are kept")
    walk.word("OR mask", lambda value: f"0x{value:04X}, bits that are set where the AND mask is 0")


def _read_write(walk: Walk, asked: Request | None) -> None:
    _address(walk, Table.HOLDING_REGISTER, "read address")
    walk.word("read quantity")
    first = _address(walk, Table.HOLDING_REGISTER, "write address")
    walk.word("write quantity")
    count = walk.byte("byte count")
    _registers(walk, min(count, walk.left), first, Table.HOLDING_REGISTER)


def _diagnostics(walk: Walk, asked: Request | None) -> None:
    known = {int(sub): sub.name.lower().replace("_", " ") for sub in Diagnostic}
    walk.word("sub-function", lambda value: f"{value}, {known.get(value, 'unknown')}")
    for index in range((walk.left + 1) // 2):
        walk.word("data" if walk.left <= 3 and not index else f"data {index}", hexadecimal)


def _exception_status(walk: Walk, asked: Request | None) -> None:
    walk.byte("exception status", lambda value: f"outputs 0 to 7: {' '.join(f'{value:08b}'[::-1])}")


def _status_word(walk: Walk) -> None:
    names = {0xFFFF: "busy", 0: "ready"}
    walk.word("status", lambda value: f"0x{value:04X}, {names.get(value, 'neither busy nor ready')}")


def _event_counter(walk: Walk, asked: Request | None) -> None:
    _status_word(walk)
    walk.word("event count")


def _event_log(walk: Walk, asked: Request | None) -> None:
    count = walk.byte("byte count")
    _status_word(walk)
    walk.word("event count")
    walk.word("message count")
    for index in range(min(max(count - 6, 0), walk.left)):
        walk.byte(f"event {index}", _event)


def _event(value: int) -> str:
    """What an event byte says (V1.1b3 §6.10)."""
    if value & 0x80:
        flags = {
            0x40: "broadcast",
            0x20: "listen only",
            0x10: "character overrun",
            0x02: "communication error",
        }
        kind = "received"
    elif value & 0x40:
        kind = "sent"
        flags = {
            0x20: "listen only",
            0x10: "write timeout",
            0x08: "NAK exception 7",
            0x04: "busy exception 5 or 6",
            0x02: "abort exception 4",
            0x01: "read exception 1 to 3",
        }
    elif value == 0x04:
        return "0x04, entered listen only mode"
    elif value == 0x00:
        return "0x00, communication restart"
    else:
        return f"0x{value:02X}, unknown"
    told = ", ".join(name for bit, name in flags.items() if value & bit)
    return f"0x{value:02X}, {kind}" + (f": {told}" if told else "")


def _server_id(walk: Walk, asked: Request | None) -> None:
    count = walk.byte("byte count")
    walk.octets("server id and more", min(count, walk.left), _server_id_text(walk))


def _server_id_text(walk: Walk) -> str:
    data = walk.data[walk.place :]
    if len(data) < 2 or data[1] not in (0x00, 0xFF):
        return "device specific: id, run indicator 0xFF or 0x00, additional data"
    running = "on" if data[1] else "off"
    return f"device specific; with an id of 1 byte: id {data[0]}, run indicator {running}"


def _file_place(walk: Walk, at: str) -> int:
    right = f"{REFERENCE_TYPE}, the only one"
    walk.byte(f"reference type{at}", lambda value: right if value == REFERENCE_TYPE else f"{value}, unknown")
    walk.word(f"file{at}")
    walk.word(f"record{at}")
    return walk.word(f"length{at}", lambda value: f"{value} registers")


def _read_files(walk: Walk, asked: Request | None) -> None:
    walk.byte("byte count")
    group = 0
    while walk.left:
        _file_place(walk, f" {group}")
        group += 1


def _write_files(walk: Walk, asked: Request | None) -> None:
    walk.byte("byte count")
    group = 0
    while walk.left:
        length = _file_place(walk, f" {group}")
        _registers(walk, 2 * length, None, Table.HOLDING_REGISTER)
        group += 1


def _files(walk: Walk, asked: Request | None) -> None:
    walk.byte("byte count")
    group = 0
    while walk.left:
        size = walk.byte(f"group length {group}")
        walk.byte(f"reference type {group}")
        _registers(walk, max(size - 1, 0), None, Table.HOLDING_REGISTER)
        group += 1


def _fifo_request(walk: Walk, asked: Request | None) -> None:
    walk.word(
        "FIFO pointer address",
        lambda value: f"{value} (reference {reference(Table.HOLDING_REGISTER, value)})",
    )


def _fifo(walk: Walk, asked: Request | None) -> None:
    walk.word("byte count")
    count = walk.word("FIFO count")
    _registers(walk, min(2 * count, walk.left), None, Table.HOLDING_REGISTER)


def _mei_type(walk: Walk) -> bool:
    known = codes.MEI_READ_DEVICE_IDENTIFICATION
    found = walk.byte("MEI type", lambda value: f"{value}" + ("" if value == known else ", unknown"))
    if found != known and walk.left:
        walk.octets("data", walk.left)
    return found == known


def _identification_request(walk: Walk, asked: Request | None) -> None:
    if _mei_type(walk):
        walk.byte("read device id code", lambda value: f"{value}, {_READ_CODES.get(value, 'unknown')}")
        walk.byte("object id", _object_text)


def _identification(walk: Walk, asked: Request | None) -> None:
    if not _mei_type(walk):
        return
    walk.byte("read device id code", lambda value: f"{value}, {_READ_CODES.get(value, 'unknown')}")
    walk.byte("conformity level", _level_text)
    more = walk.byte("more follows", lambda value: {0: "no", 0xFF: "yes"}.get(value, "neither 0xFF nor 0x00"))
    walk.byte("next object id", _object_text if more else str)
    for _ in range(walk.byte("number of objects")):
        number = walk.byte("object id", _object_text)
        size = walk.byte("object length")
        walk.text(OBJECTS.get(number, f"object 0x{number:02X}"), size)


def _object_text(value: int) -> str:
    if value in OBJECTS:
        return f"{value}, {OBJECTS[value]}"
    return f"0x{value:02X}, " + ("private" if value >= 0x80 else "reserved")


def _level_text(value: int) -> str:
    names = {1: "basic", 2: "regular", 3: "extended"}
    level = names.get(value & ~identification.INDIVIDUAL_ACCESS, "unknown level")
    return f"0x{value:02X}, {level}, " + (
        "stream and individual access" if value & identification.INDIVIDUAL_ACCESS else "stream access only"
    )


def _nothing(walk: Walk, asked: Request | None) -> None:
    """No fields behind the function code."""


def _by_layout(message: type[Request] | type[Response]) -> Walker:
    """The fields of a message with a fixed layout, one after the other as its struct has them."""

    def walker(walk: Walk, asked: Request | None) -> None:
        assert message.layout is not None
        raw = walk.data[walk.place :]
        names: tuple[str, ...] = getattr(message, "__match_args__", ())
        if len(raw) < message.layout.size:
            _anything(walk, asked)
            return
        values = message.layout.unpack_from(raw)
        told = ", ".join(f"{name} {value}" for name, value in zip(names, values, strict=False))
        walk.octets("data", message.layout.size, told)

    return walker


def _anything(walk: Walk, asked: Request | None) -> None:
    if walk.left:
        walk.octets("data", walk.left)


_REQUEST_WALKERS: dict[int, Walker] = {
    **{code: _address_quantity(table) for code, table in (READ_BITS | READ_REGISTERS).items()},
    codes.WRITE_SINGLE_COIL: _write_coil,
    codes.WRITE_SINGLE_REGISTER: _write_register,
    codes.READ_EXCEPTION_STATUS: _nothing,
    codes.DIAGNOSTICS: _diagnostics,
    codes.GET_COMM_EVENT_COUNTER: _nothing,
    codes.GET_COMM_EVENT_LOG: _nothing,
    codes.WRITE_MULTIPLE_COILS: _write_coils,
    codes.WRITE_MULTIPLE_REGISTERS: _write_registers,
    codes.REPORT_SERVER_ID: _nothing,
    codes.READ_FILE_RECORD: _read_files,
    codes.WRITE_FILE_RECORD: _write_files,
    codes.MASK_WRITE_REGISTER: _mask_write,
    codes.READ_WRITE_MULTIPLE_REGISTERS: _read_write,
    codes.READ_FIFO_QUEUE: _fifo_request,
    codes.ENCAPSULATED_INTERFACE_TRANSPORT: _identification_request,
}
_RESPONSE_WALKERS: dict[int, Walker] = {
    **dict.fromkeys(READ_BITS, _read_bits),
    **dict.fromkeys((*READ_REGISTERS, codes.READ_WRITE_MULTIPLE_REGISTERS), _read_registers),
    codes.WRITE_SINGLE_COIL: _write_coil,
    codes.WRITE_SINGLE_REGISTER: _write_register,
    codes.READ_EXCEPTION_STATUS: _exception_status,
    codes.DIAGNOSTICS: _diagnostics,
    codes.GET_COMM_EVENT_COUNTER: _event_counter,
    codes.GET_COMM_EVENT_LOG: _event_log,
    codes.WRITE_MULTIPLE_COILS: _address_quantity(Table.COIL),
    codes.WRITE_MULTIPLE_REGISTERS: _address_quantity(Table.HOLDING_REGISTER),
    codes.REPORT_SERVER_ID: _server_id,
    codes.READ_FILE_RECORD: _files,
    codes.WRITE_FILE_RECORD: _write_files,
    codes.MASK_WRITE_REGISTER: _mask_write,
    codes.READ_FIFO_QUEUE: _fifo,
    codes.ENCAPSULATED_INTERFACE_TRANSPORT: _identification,
}

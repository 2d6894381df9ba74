"""What functions, sub-functions, exceptions and identification objects are called, each with its clause.

"V1.1b3" is the application protocol specification, "V1.02" Modbus over Serial Line, "TCP V1.0b" the messaging
guide for TCP/IP.  Codes that a plug-in registered are named after the class of their request.
"""

from __future__ import annotations

import re
from difflib import get_close_matches
from typing import NamedTuple

from simulator.protocol import codes
from simulator.protocol.codes import Table
from simulator.protocol.identification import OBJECT_IDS
from simulator.protocol.messages import REQUESTS


class Name(NamedTuple):
    """A name and the clause that defines what it stands for."""

    text: str
    clause: str


FUNCTIONS = {
    codes.READ_COILS: Name("read coils", "V1.1b3 §6.1"),
    codes.READ_DISCRETE_INPUTS: Name("read discrete inputs", "V1.1b3 §6.2"),
    codes.READ_HOLDING_REGISTERS: Name("read holding registers", "V1.1b3 §6.3"),
    codes.READ_INPUT_REGISTERS: Name("read input registers", "V1.1b3 §6.4"),
    codes.WRITE_SINGLE_COIL: Name("write single coil", "V1.1b3 §6.5"),
    codes.WRITE_SINGLE_REGISTER: Name("write single register", "V1.1b3 §6.6"),
    codes.READ_EXCEPTION_STATUS: Name("read exception status", "V1.1b3 §6.7"),
    codes.DIAGNOSTICS: Name("diagnostics", "V1.1b3 §6.8"),
    codes.GET_COMM_EVENT_COUNTER: Name("get comm event counter", "V1.1b3 §6.9"),
    codes.GET_COMM_EVENT_LOG: Name("get comm event log", "V1.1b3 §6.10"),
    codes.WRITE_MULTIPLE_COILS: Name("write multiple coils", "V1.1b3 §6.11"),
    codes.WRITE_MULTIPLE_REGISTERS: Name("write multiple registers", "V1.1b3 §6.12"),
    codes.REPORT_SERVER_ID: Name("report server id", "V1.1b3 §6.13"),
    codes.READ_FILE_RECORD: Name("read file record", "V1.1b3 §6.14"),
    codes.WRITE_FILE_RECORD: Name("write file record", "V1.1b3 §6.15"),
    codes.MASK_WRITE_REGISTER: Name("mask write register", "V1.1b3 §6.16"),
    codes.READ_WRITE_MULTIPLE_REGISTERS: Name("read/write multiple registers", "V1.1b3 §6.17"),
    codes.READ_FIFO_QUEUE: Name("read FIFO queue", "V1.1b3 §6.18"),
    codes.ENCAPSULATED_INTERFACE_TRANSPORT: Name("read device identification", "V1.1b3 §6.21"),
}

EXCEPTIONS = {
    0x01: "illegal function",
    0x02: "illegal data address",
    0x03: "illegal data value",
    0x04: "server device failure",
    0x05: "acknowledge",
    0x06: "server device busy",
    0x07: "negative acknowledge",  # before V1.1b3
    0x08: "memory parity error",
    0x0A: "gateway path unavailable",
    0x0B: "gateway target device failed to respond",
}

OBJECTS = {number: name.replace("_", " ").replace("url", "URL") for name, number in OBJECT_IDS.items()}

_USER_DEFINED = "V1.1b3 §5"
_CAPITALS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def function_name(code: int) -> Name:
    """The name of a function code, registered by a plug-in or unknown ones included."""
    if code in FUNCTIONS:
        return FUNCTIONS[code]
    if code in REQUESTS:
        words = _CAPITALS.sub(" ", REQUESTS[code].__name__.removesuffix("Request"))
        return Name(words.lower(), _USER_DEFINED)
    return Name("unknown function", _USER_DEFINED)


def exception_name(code: int) -> str:
    """The name of an exception code; those of no specification are called so."""
    return EXCEPTIONS.get(code, "no exception of the specification")


def function_code(text: str) -> int:
    """The function code of a number (``3``, ``0x2B``, ``43/14``) or a name (``read_coils``, ``read coils``).

    Raises ValueError, with what was probably meant, for anything else.
    """
    number = text.partition("/")[0].strip()
    if number[:1].isdigit():
        code = int(number, 16) if number[:2].lower() == "0x" else int(number) if number.isdigit() else 0
        if 1 <= code <= 0x7F:
            return code
        raise ValueError(f"function is {text!r}, expected 1 to 127")
    known = {_plain(function_name(code).text): code for code in sorted({*FUNCTIONS, *REQUESTS})}
    word = _plain(text)
    if word in known:
        return known[word]
    near = get_close_matches(word, known, n=1)
    hint = f"did you mean '{near[0]}'?" if near else f"expected one of {', '.join(known)}"
    raise ValueError(f"unknown function {text!r}, {hint}")


def reference(table: Table, address: int) -> str:
    """The Modicon reference of an address: ``400108`` for holding register 107."""
    return f"{table.reference_digit}{address + 1:05}"


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")

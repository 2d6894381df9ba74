"""The names that rules use, each next to the number or the need behind it.

One rule: a name is that of the specification in lower case (V1.1b3 §6, §7), and a number is accepted
wherever a name is.
"""

from __future__ import annotations

from collections.abc import Mapping

from simulator.documents.problems import show, suggest, unknown
from simulator.documents.ranges import parse_ranges
from simulator.errors import (
    Acknowledge,
    GatewayPathUnavailable,
    GatewayTargetFailed,
    IllegalDataAddress,
    IllegalDataValue,
    IllegalFunction,
    MemoryParityError,
    NegativeAcknowledge,
    ServerDeviceBusy,
    ServerDeviceFailure,
)
from simulator.protocol import codes

FUNCTIONS: Mapping[str, int] = {
    name.lower(): getattr(codes, name)
    for name in (
        "READ_COILS",
        "READ_DISCRETE_INPUTS",
        "READ_HOLDING_REGISTERS",
        "READ_INPUT_REGISTERS",
        "WRITE_SINGLE_COIL",
        "WRITE_SINGLE_REGISTER",
        "READ_EXCEPTION_STATUS",
        "DIAGNOSTICS",
        "GET_COMM_EVENT_COUNTER",
        "GET_COMM_EVENT_LOG",
        "WRITE_MULTIPLE_COILS",
        "WRITE_MULTIPLE_REGISTERS",
        "REPORT_SERVER_ID",
        "READ_FILE_RECORD",
        "WRITE_FILE_RECORD",
        "MASK_WRITE_REGISTER",
        "READ_WRITE_MULTIPLE_REGISTERS",
        "READ_FIFO_QUEUE",
        "ENCAPSULATED_INTERFACE_TRANSPORT",
    )
}
EXCEPTIONS: Mapping[str, int] = {
    "illegal_function": IllegalFunction.code,
    "illegal_data_address": IllegalDataAddress.code,
    "illegal_data_value": IllegalDataValue.code,
    "server_device_failure": ServerDeviceFailure.code,
    "acknowledge": Acknowledge.code,
    "server_device_busy": ServerDeviceBusy.code,
    "negative_acknowledge": NegativeAcknowledge.code,
    "memory_parity_error": MemoryParityError.code,
    "gateway_path_unavailable": GatewayPathUnavailable.code,
    "gateway_target_failed": GatewayTargetFailed.code,
}
TRANSPORTS: Mapping[str, tuple[str, str]] = {  # scheme -> framing, transport
    "tcp": ("mbap", "tcp"),
    "udp": ("mbap", "udp"),
    "tls": ("mbap", "tls"),
    "rtu+tcp": ("rtu", "tcp"),
    "ascii+tcp": ("ascii", "tcp"),
    "binary+tcp": ("binary", "tcp"),
    "rtu+udp": ("rtu", "udp"),
    "ascii+udp": ("ascii", "udp"),
    "binary+udp": ("binary", "udp"),
    "rtu": ("rtu", "serial"),
    "ascii": ("ascii", "serial"),
    "binary": ("binary", "serial"),
}
SERIAL = "serial"  # all three serial schemes

READS = frozenset(
    (
        codes.READ_COILS,
        codes.READ_DISCRETE_INPUTS,
        codes.READ_INPUT_REGISTERS,
        codes.READ_HOLDING_REGISTERS,
        codes.READ_WRITE_MULTIPLE_REGISTERS,
    )
)
WRITES = frozenset((codes.WRITE_MULTIPLE_COILS, codes.WRITE_MULTIPLE_REGISTERS))

# what a kind of fault needs: of the listener ("connection", "stream", "checksum", "transaction", "direct"),
# and of the function.  Kinds that are not listed act everywhere.
NEEDS: Mapping[str, str] = {
    "corrupt_checksum": "checksum",
    "wrong_transaction_id": "transaction",
    "slow_bytes": "stream",
    "split": "stream",
    "close": "connection",
    "reset": "connection",
    "hang": "connection",
    "refuse": "connection",
}
REASONS: Mapping[str, str] = {
    "checksum": "has no checksum",
    "transaction": "has no transaction id",
    "stream": "sends every answer whole",
    "connection": "has no connections",
}
FUNCTIONS_OF: Mapping[str, frozenset[int]] = {
    "stale": READS,
    "corrupt_values": READS,
    "wrong_quantity": READS | WRITES,
}


def has(need: str, scheme: str, *, gateway: bool = False) -> bool:
    """True when a listener of this scheme has what a kind of fault needs."""
    framing, transport = TRANSPORTS[scheme]
    if need == "checksum":
        return framing != "mbap"
    if need == "transaction":
        return framing == "mbap"
    if need == "stream":
        return transport != "udp" and not gateway  # a gateway passes whole answers on
    return transport in ("tcp", "tls")


def parse_function(value: object) -> tuple[int, ...]:
    """Function codes of a number, a range or a name.  Raises ValueError."""
    if isinstance(value, str) and not value.strip()[:1].isdigit():
        name = value.strip().lower()
        if name not in FUNCTIONS:
            hint = suggest(name, FUNCTIONS)
            expected = "expected a number, a range, or a name such as read_holding_registers"
            raise ValueError(f"function is {show(value)}, {expected}" + (f"; {hint}" if hint else ""))
        return (FUNCTIONS[name],)
    ranges = parse_ranges(value, name="function", minimum=1, maximum=codes.EXCEPTION_BIT - 1)
    return tuple(code for first, last in ranges for code in range(first, last + 1))


def parse_exception(value: object) -> int:
    """An exception code of a number or a name.  Raises ValueError."""
    if isinstance(value, int) and not isinstance(value, bool):
        if 1 <= value <= 0xFF:
            return value
        raise ValueError(f"exception is {value}, expected 1 to 255")
    if isinstance(value, str) and value.strip().lower() in EXCEPTIONS:
        return EXCEPTIONS[value.strip().lower()]
    raise ValueError(unknown("exception", value, EXCEPTIONS))


def parse_transport(value: object) -> tuple[str, ...]:
    """The schemes of a name.  Raises ValueError."""
    if value == SERIAL:
        return tuple(scheme for scheme, (_, transport) in TRANSPORTS.items() if transport == SERIAL)
    if isinstance(value, str) and value in TRANSPORTS:
        return (value,)
    raise ValueError(unknown("transport", value, [*TRANSPORTS, SERIAL]))


def function_name(code: int) -> str:
    """The name of a function code, the number of one that has none."""
    return next((name for name, number in FUNCTIONS.items() if number == code), str(code))


def exception_name(code: int) -> str:
    """The name of an exception code, the number of one that has none."""
    return next((name for name, number in EXCEPTIONS.items() if number == code), str(code))

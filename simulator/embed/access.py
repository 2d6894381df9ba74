"""Setters and getters of the four tables, one value or many, plain or typed.

``Tables`` is inherited by whatever has tables; it needs two ways of its own, ``_read`` and ``_write``, which
take what stands on the wire.  An *encoding* is the name of a data type, with ``byte_order`` and, for texts,
``length``; or a data type itself.  The one rule: a value that does not fit is a ValueError, nothing is set.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable
from typing import Any

from simulator.blocks.memory import pack_bits
from simulator.datatypes import ByteOrder, DataType, data_type
from simulator.documents.wording import unknown
from simulator.protocol.codes import Table

Encoding = str | DataType


class Tables:
    """The four tables of a device.  Addresses are those on the wire, from 0.

    Every method may be called from any thread.  An address that does not exist is an
    :class:`~simulator.errors.IllegalDataAddress`.
    """

    signed: frozenset[Table] = frozenset()  # tables whose registers are signed without an encoding

    @abstractmethod
    def _read(self, table: Table, address: int, quantity: int) -> bytes: ...

    @abstractmethod
    def _write(self, table: Table, address: int, quantity: int, data: bytes) -> None: ...

    def set_coil(self, address: int, value: bool) -> None:
        """Set one coil."""
        self._set_bits(Table.COIL, address, (value,))

    def set_coils(self, address: int, values: Iterable[bool]) -> None:
        """Set coils from ``address`` on."""
        self._set_bits(Table.COIL, address, values)

    def get_coil(self, address: int) -> bool:
        """One coil."""
        return self._bits(Table.COIL, address, 1)[0]

    def get_coils(self, address: int, count: int) -> list[bool]:
        """``count`` coils from ``address`` on."""
        return self._bits(Table.COIL, address, count)

    def set_discrete_input(self, address: int, value: bool) -> None:
        """Set one discrete input."""
        self._set_bits(Table.DISCRETE_INPUT, address, (value,))

    def set_discrete_inputs(self, address: int, values: Iterable[bool]) -> None:
        """Set discrete inputs from ``address`` on."""
        self._set_bits(Table.DISCRETE_INPUT, address, values)

    def get_discrete_input(self, address: int) -> bool:
        """One discrete input."""
        return self._bits(Table.DISCRETE_INPUT, address, 1)[0]

    def get_discrete_inputs(self, address: int, count: int) -> list[bool]:
        """``count`` discrete inputs from ``address`` on."""
        return self._bits(Table.DISCRETE_INPUT, address, count)

    def set_input_register(
        self, address: int, value: Any, encoding: Encoding | None = None, **how: Any
    ) -> None:
        """Set one value in input registers; ``how``: byte_order, length, string_order, padding."""
        self._set(Table.INPUT_REGISTER, address, (value,), encoding, how)

    def set_input_registers(
        self, address: int, values: Iterable[Any], encoding: Encoding | None = None, **how: Any
    ) -> None:
        """Set values one behind the other in input registers."""
        self._set(Table.INPUT_REGISTER, address, values, encoding, how)

    def get_input_register(self, address: int, encoding: Encoding | None = None, **how: Any) -> Any:
        """One value of input registers."""
        return self._get(Table.INPUT_REGISTER, address, 1, encoding, how)[0]

    def get_input_registers(
        self, address: int, count: int, encoding: Encoding | None = None, **how: Any
    ) -> list[Any]:
        """``count`` values one behind the other in input registers."""
        return self._get(Table.INPUT_REGISTER, address, count, encoding, how)

    def set_holding_register(
        self, address: int, value: Any, encoding: Encoding | None = None, **how: Any
    ) -> None:
        """Set one value in holding registers; ``how``: byte_order, length, string_order, padding."""
        self._set(Table.HOLDING_REGISTER, address, (value,), encoding, how)

    def set_holding_registers(
        self, address: int, values: Iterable[Any], encoding: Encoding | None = None, **how: Any
    ) -> None:
        """Set values one behind the other in holding registers."""
        self._set(Table.HOLDING_REGISTER, address, values, encoding, how)

    def get_holding_register(self, address: int, encoding: Encoding | None = None, **how: Any) -> Any:
        """One value of holding registers."""
        return self._get(Table.HOLDING_REGISTER, address, 1, encoding, how)[0]

    def get_holding_registers(
        self, address: int, count: int, encoding: Encoding | None = None, **how: Any
    ) -> list[Any]:
        """``count`` values one behind the other in holding registers."""
        return self._get(Table.HOLDING_REGISTER, address, count, encoding, how)

    def _set_bits(self, table: Table, address: int, values: Iterable[bool]) -> None:
        taken = list(values)
        for value in taken:
            if value not in (0, 1):
                raise ValueError(f"{table.label} is {value!r}, expected true or false")
        if taken:
            self._write(table, _address(address), len(taken), pack_bits(taken))

    def _bits(self, table: Table, address: int, count: int) -> list[bool]:
        data = self._read(table, _address(address), _count(count))
        return [bool(data[place >> 3] >> (place & 7) & 1) for place in range(count)]

    def _set(
        self,
        table: Table,
        address: int,
        values: Iterable[Any],
        encoding: Encoding | None,
        how: dict[str, Any],
    ) -> None:
        kind = self._kind(table, encoding, how)
        data = b"".join(map(kind.encode_fitting, values))
        if data:
            self._write(table, _address(address), len(data) // 2, data)

    def _get(
        self, table: Table, address: int, count: int, encoding: Encoding | None, how: dict[str, Any]
    ) -> list[Any]:
        kind = self._kind(table, encoding, how)
        size = 2 * kind.registers
        data = self._read(table, _address(address), _count(count) * kind.registers)
        return [kind.decode(data[place : place + size]) for place in range(0, len(data), size)]

    def _kind(self, table: Table, encoding: Encoding | None, how: dict[str, Any]) -> DataType:
        if isinstance(encoding, DataType):
            if how:
                raise ValueError(f"{min(how)} is given beside a data type, expected either")
            kind = encoding
        else:
            strangers = how.keys() - set(_HOW)
            if strangers:
                raise ValueError(unknown("keyword", min(strangers), _HOW))
            options = dict(how)
            order = options.pop("byte_order", "ABCD")
            if order not in ByteOrder.__members__:
                raise ValueError(unknown("byte_order", order, ByteOrder.__members__))
            name = encoding or ("int16" if table in self.signed else "uint16")
            kind = data_type(name, order=order, **options)
        if not kind.registers:
            raise ValueError(f"data type is {kind.name} in registers, expected another one")
        return kind


_HOW = ("byte_order", "length", "string_order", "padding")


def _address(address: int) -> int:
    if not 0 <= address <= 0xFFFF:
        raise ValueError(f"address is {address!r}, expected 0 to 65535")
    return address


def _count(count: int) -> int:
    if count < 1:
        raise ValueError(f"count is {count}, expected 1 or more")
    return count

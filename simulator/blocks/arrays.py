"""Columns of raw numbers to wire bytes: a data type for many devices at once, in numpy.

The one rule: the bytes are those of ``DataType.encode``, element for element; integers round half to even
and saturate, NaN becomes 0 in an integer, a number beyond a float becomes infinity.  Texts have no column.
"""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np

from simulator.datatypes import ByteOrder, DataType, byte_places


def native_dtype(data_type: DataType) -> np.dtype[Any] | None:
    """The numpy type of the raw numbers, as wide as the element; None when there is none."""
    return _native(data_type.family, data_type.registers, (data_type.minimum or 0) < 0)


def direct_dtype(data_type: DataType) -> np.dtype[Any] | None:
    """A numpy type with which a strided view of the wire bytes takes raw numbers as they are, or None."""
    native = native_dtype(data_type)
    if native is None or data_type.family in ("bcd", "bool"):
        return None
    order, registers = data_type.order, data_type.registers
    if order is ByteOrder.ABCD or (order is ByteOrder.CDAB and registers == 1):
        return native.newbyteorder(">")
    if order is ByteOrder.DCBA or registers == 1:
        return native.newbyteorder("<")
    return None


def encode_many(data_type: DataType, values: np.ndarray) -> np.ndarray:
    """Raw numbers (n,), float64 or any whole type -> uint8 (n, registers * 2) in wire order."""
    if not data_type.is_numeric:
        raise ValueError(
            f"{data_type.name} has no column of numbers, got an array, expected a numeric data type"
        )
    native, registers = native_dtype(data_type), data_type.registers
    low, high = int(data_type.minimum or 0), data_type.maximum or 0
    if data_type.family == "float":
        with np.errstate(over="ignore"):
            wire = np.asarray(values).astype(f">f{registers * 2}")
    elif data_type.family == "bcd":
        wire = _digits(saturate(values, 0, int(high), np.dtype("u8")), registers)
    elif native is None:
        return np.frombuffer(b"".join(map(data_type.encode, values.tolist())), "u1").reshape(len(values), -1)
    else:
        wire = saturate(values, low, int(high), native).astype(native.newbyteorder(">"))
    data = np.ascontiguousarray(wire).view("u1").reshape(len(wire), registers * 2 or 1)
    if data_type.order is ByteOrder.ABCD or not registers:
        return data
    return data[:, byte_places(data_type.order, data.shape[1])]


def decode_digits(data_type: DataType, data: np.ndarray) -> np.ndarray:
    """Wire bytes (n, registers * 2) of packed decimal -> float64 (n,); NaN where a digit is above 9."""
    if data_type.order is not ByteOrder.ABCD:
        data = data[:, byte_places(data_type.order, data.shape[1])]
    whole = np.zeros(len(data), np.uint64)
    is_decimal = np.ones(len(data), np.bool_)
    for byte in np.moveaxis(data, 1, 0):
        for digit in (byte >> 4, byte & 0xF):
            is_decimal &= digit <= 9
            whole = whole * np.uint64(10) + digit
    return np.where(is_decimal, whole.astype(np.float64), np.nan)


def saturate(values: np.ndarray, low: int, high: int, dtype: np.dtype[Any]) -> np.ndarray:
    """``values`` rounded half to even, NaN as 0, limited to ``low`` … ``high``; a new array of ``dtype``."""
    values = np.asarray(values)
    if values.dtype.kind == "b":
        return values.astype(dtype)
    if values.dtype.kind in "iu":
        info = np.iinfo(values.dtype)
        limited: np.ndarray = np.clip(values, max(low, int(info.min)), min(high, int(info.max)))
        return limited.astype(dtype)
    rounded = np.rint(values.astype(np.float64))
    rounded[np.isnan(rounded)] = 0
    top = float(high)
    inside = top if top <= high else math.nextafter(top, 0)  # 2**64 - 1 is no float
    result = np.clip(rounded, low, inside).astype(dtype)
    result[rounded >= top] = high
    return result


@functools.cache
def _native(family: str, registers: int, signed: bool) -> np.dtype[Any] | None:
    if family == "bool":
        return np.dtype("u1")
    if family in ("string", "raw", "address") or registers not in (1, 2, 4):
        return None
    return np.dtype(f"{'f' if family == 'float' else 'i' if signed else 'u'}{registers * 2}")


def _digits(whole: np.ndarray, registers: int) -> np.ndarray:
    """Packed decimal of uint64 numbers, as big-endian words."""
    packed = np.zeros(len(whole), np.uint64)
    for digit in range(registers * 4):
        packed |= (whole // np.uint64(10**digit)) % np.uint64(10) << np.uint64(4 * digit)
    return packed.astype(f">u{registers * 2}")

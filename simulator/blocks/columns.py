"""One point of many devices, written or read in one call: engineering numbers here, wire order there.

A column is a strided view of a fleet's buffer: ``offset`` bytes into a row of ``stride`` bytes, one row a
device.  ``write`` turns values into raw numbers, ``(value - shift) / scale``, and stores them as the data
type has them: whole types round half to even and saturate, NaN is 0 in them.  One number for all rows is
encoded once and filled in.  Rows that are ``held`` keep what they have, and so do the neighbours of a bit.

``read`` gives ``raw × scale + shift`` as float64, for an array those of its first element.

The one rule: the bytes are those of ``DataType.encode`` and the numbers those of ``DataType.decode``,
whatever the way they are made; digits that are not decimal are NaN.  Texts have no column.  Nothing is
checked here against access rules, and nobody else is to write the rows meanwhile.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import Any, Protocol

import numpy as np

from simulator.blocks.arrays import (
    decode_digits,
    direct_dtype,
    encode_many,
    native_dtype,
    saturate,
)
from simulator.datatypes import ByteOrder, DataType
from simulator.protocol.codes import Table

Values = float | np.ndarray  # one number for all rows, or one for each row of the slice
Buffer = Any  # what numpy can make a writable array over: mmap, bytearray, memoryview, ndarray


class Column(ABC):
    """The place of one point in every row."""

    @abstractmethod
    def write(self, start: int, stop: int, values: Values, held: np.ndarray | None = None) -> None:
        """Store ``values`` in rows ``start`` to ``stop``, not where ``held`` (bool by row) is true."""

    @abstractmethod
    def read(self, start: int, stop: int, out: np.ndarray | None = None) -> np.ndarray:
        """The values of rows ``start`` to ``stop``, float64; in ``out`` when it is given."""


def column(
    buffer: Buffer,
    offset: int,
    stride: int,
    rows: int,
    data_type: DataType,
    *,
    scale: float = 1.0,
    shift: float = 0.0,
    count: int = 1,
    bit: int | None = None,
) -> Column:
    """The column of a point in registers.

    ``shift`` is the point's offset, ``count`` the elements of an array (all get the same value), ``bit`` the
    bit of a bool inside its register.  A bool without ``bit`` is a register that is 0 or 1.
    """
    if not data_type.is_numeric:
        raise ValueError(f"column is of {data_type.name}, expected a numeric data type")
    if bit is not None:
        is_swapped = data_type.order in (ByteOrder.BADC, ByteOrder.DCBA)
        high = bit >= 8
        return _Bits(buffer, offset + (high == is_swapped), stride, rows, bit % 8, 1)
    limits: tuple[float, float] = (data_type.minimum or 0, data_type.maximum or 0)
    if data_type.family == "bool":
        data_type, limits = DataType("uint16", data_type.order), (0, 1)
    form = _Direct if direct_dtype(data_type) is not None else _Words
    return form(buffer, offset, stride, rows, data_type, scale, shift, count, limits)


def bit_column(buffer: Buffer, offset: int, stride: int, rows: int, bit: int, *, count: int = 1) -> Column:
    """The column of ``count`` bits from bit ``bit`` of a row on, packed LSB first; all get the same value."""
    return _Bits(buffer, offset + bit // 8, stride, rows, bit % 8, count)


class Spot(Protocol):
    """What a point says of its place; ``simulator.points.Point`` does."""

    @property
    def table(self) -> Table: ...
    @property
    def data_type(self) -> DataType: ...
    @property
    def scale(self) -> float: ...
    @property
    def offset(self) -> float: ...
    @property
    def count(self) -> int: ...
    @property
    def bit(self) -> int | None: ...


def point_column(buffer: Buffer, first: int, stride: int, rows: int, point: Spot) -> Column:
    """The column of a point whose first register, or bit in a table of bits, is number ``first`` of a row."""
    if point.table.is_bits:
        return bit_column(buffer, 0, stride, rows, first, count=point.count)
    return column(
        buffer,
        first * 2,
        stride,
        rows,
        point.data_type,
        scale=point.scale,
        shift=point.offset,
        count=point.count,
        bit=point.bit,
    )


def _view(buffer: Buffer, offset: int, stride: int, rows: int, dtype: Any) -> np.ndarray:
    return np.ndarray((rows,), dtype, buffer, offset, (stride,))


class _Numbers(Column):
    """Scaling, rounding and saturation; subclasses know how a raw number is stored."""

    def __init__(
        self,
        buffer: Buffer,
        offset: int,
        stride: int,
        rows: int,
        data_type: DataType,
        scale: float,
        shift: float,
        count: int,
        limits: tuple[float, float],
    ) -> None:
        self._type = data_type
        self._scale, self._shift, self._limits = scale, shift, limits
        self._is_truth = limits == (0, 1)  # a whole register is one bool
        self._fill: tuple[float, list[Any]] = (math.nan, [])  # the last number of all rows, encoded
        self._views = self._make_views(buffer, offset, stride, rows, count)

    @abstractmethod
    def _make_views(
        self, buffer: Buffer, offset: int, stride: int, rows: int, count: int
    ) -> list[np.ndarray]:
        """The cells that are assigned, one array over all rows each."""

    @abstractmethod
    def _pieces(self, raw: np.ndarray) -> list[np.ndarray]:
        """What goes into the cells of one element, from raw numbers that fit the data type."""

    def write(self, start: int, stop: int, values: Values, held: np.ndarray | None = None) -> None:
        if isinstance(values, np.ndarray):
            pieces: list[Any] = self._pieces(self._raw(values))
        else:
            pieces = self._filling(values)
        keep = held is not None and held.any()
        free = ~held if keep and held is not None else True
        for place, view in enumerate(self._views):
            piece = pieces[place % len(pieces)]
            if keep:
                np.copyto(view[start:stop], piece, casting="unsafe", where=free)
            else:
                view[start:stop] = piece

    def read(self, start: int, stop: int, out: np.ndarray | None = None) -> np.ndarray:
        values = np.empty(stop - start) if out is None else out
        with np.errstate(invalid="ignore", over="ignore"):  # clients may have written any bits
            self._load(start, stop, values)
            if self._is_truth:
                np.not_equal(values, 0, out=values)
            if self._scale != 1:
                np.multiply(values, self._scale, out=values)
            if self._shift != 0:
                np.add(values, self._shift, out=values)
        return values

    @abstractmethod
    def _load(self, start: int, stop: int, out: np.ndarray) -> None:
        """Put the raw numbers of the first element into ``out``."""

    def _filling(self, value: float) -> list[Any]:
        if self._fill[0] != value:
            self._fill = (value, [piece[0] for piece in self._pieces(self._raw(np.array([value])))])
        return self._fill[1]

    def _raw(self, values: np.ndarray) -> np.ndarray:
        raw: np.ndarray = values
        if self._shift != 0:
            raw = values - self._shift
        if self._scale != 1:
            raw = np.divide(raw, self._scale, out=None if raw is values else raw)
        if not self._type.is_integer:
            return raw
        low, high = self._limits
        if self._type.registers == 4:  # not every limit is a float64
            return saturate(raw, int(low), int(high), np.dtype("u8" if low >= 0 else "i8"))
        raw = np.rint(raw, out=None if raw is values else raw)
        if not (raw.min() >= low and raw.max() <= high):  # NaN, too
            raw = np.where(np.isnan(raw), 0.0, np.clip(raw, low, high))
        return raw


class _Direct(_Numbers):
    """numpy converts to the wire while it assigns."""

    def _make_views(
        self, buffer: Buffer, offset: int, stride: int, rows: int, count: int
    ) -> list[np.ndarray]:
        places = (offset + 2 * self._type.registers * element for element in range(count))
        return [_view(buffer, place, stride, rows, direct_dtype(self._type)) for place in places]

    def _pieces(self, raw: np.ndarray) -> list[np.ndarray]:
        return [raw]

    def write(self, start: int, stop: int, values: Values, held: np.ndarray | None = None) -> None:
        if self._type.family != "float":
            return super().write(start, stop, values, held)
        with np.errstate(over="ignore"):  # beyond the type: infinity
            return super().write(start, stop, values, held)

    def _load(self, start: int, stop: int, out: np.ndarray) -> None:
        cells = self._views[0][start:stop]
        if self._type.name in ("int8", "uint8"):
            cells = cells & 0xFF  # the high byte carries nothing
            cells = (cells ^ 0x80) - 0x80 if self._limits[0] < 0 else cells
        np.copyto(out, cells)


class _Words(_Numbers):
    """Word by word: swapped orders, decimal digits, bits of odd length."""

    def _make_views(
        self, buffer: Buffer, offset: int, stride: int, rows: int, count: int
    ) -> list[np.ndarray]:
        words = range(self._type.registers * count)
        return [_view(buffer, offset + 2 * word, stride, rows, np.uint16) for word in words]

    def _pieces(self, raw: np.ndarray) -> list[np.ndarray]:
        native, order, registers = native_dtype(self._type), self._type.order, self._type.registers
        if native is None or self._type.family == "bcd":
            words = encode_many(self._type, raw).copy().view(np.uint16)
            return [words[:, word] for word in range(registers)]
        with np.errstate(over="ignore"):  # CDAB is big-endian and BADC little-endian, last word first
            wire = raw.astype(native.newbyteorder(">" if order is ByteOrder.CDAB else "<"))
        words = wire.view(np.uint16).reshape(len(raw), registers)
        return [words[:, word] for word in reversed(range(registers))]

    def _load(self, start: int, stop: int, out: np.ndarray) -> None:
        words = np.stack([view[start:stop] for view in self._views[: self._type.registers]], axis=1)
        if self._type.family == "bcd":
            out[:] = decode_digits(self._type, words.view(np.uint8))
            return
        native = native_dtype(self._type)
        if native is None:
            out[:] = [float(self._type.decode(row.tobytes())) for row in words]  # type: ignore[arg-type]
            return
        words = np.ascontiguousarray(words[:, ::-1])
        wire = words.view(native.newbyteorder(">" if self._type.order is ByteOrder.CDAB else "<"))
        np.copyto(out, wire[:, 0], casting="unsafe")


class _Bits(Column):
    """Single bits of bytes, the others untouched; a number is true when it rounds to 1 or more."""

    def __init__(self, buffer: Buffer, offset: int, stride: int, rows: int, bit: int, count: int) -> None:
        bits = range(bit, bit + count)
        self._cells = [
            (_view(buffer, offset + each // 8, stride, rows, np.uint8), np.uint8(1 << each % 8))
            for each in bits
        ]

    def write(self, start: int, stop: int, values: Values, held: np.ndarray | None = None) -> None:
        if held is not None and not held.any():
            held = None
        truth = np.asarray(np.greater(values, 0.5))
        for view, mask in self._cells:
            cells = view[start:stop]
            new = cells & ~mask
            np.bitwise_or(new, truth.view(np.uint8) * mask, out=new)
            if held is None:
                cells[...] = new
            else:
                np.copyto(cells, new, where=~held)

    def read(self, start: int, stop: int, out: np.ndarray | None = None) -> np.ndarray:
        values = np.empty(stop - start) if out is None else out
        view, mask = self._cells[0]
        np.copyto(values, (view[start:stop] & mask) != 0)
        return values

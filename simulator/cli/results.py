"""Results of requests as text, in the format somebody asked for."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

from simulator.cli.columns import aligned

FORMATS = ("table", "decimal", "signed", "hex", "binary", "json")


def text(value: Any, layout: str, first: int = 0) -> str:
    """A result; lists of registers and bits by address from ``first`` on."""
    if value is None:
        return "done\n"
    if layout == "json":
        return json.dumps(_plain(value), ensure_ascii=False) + "\n"
    if _is_words(value):
        return _words(value, layout, first)
    if isinstance(value, (list, tuple)) and value and all(isinstance(each, bool) for each in value):
        return _bits(value, layout, first)
    if isinstance(value, bytes):
        return value.hex(" ").upper() + "\n"
    if isinstance(value, dict):
        return aligned((_key(key), _shown(each)) for key, each in value.items())
    if isinstance(value, int) and not isinstance(value, bool):
        return _NUMBERS.get(layout, str)(value) + "\n"
    return _shown(value) + "\n"


def typed(value: Any, name: str, order: str, first: int) -> str:
    """Registers as values of a data type; ValueError when the last result is none."""
    from simulator.datatypes import data_type
    from simulator.protocol.contract import pack_words

    if not _is_words(value):
        raise ValueError("the last result holds no registers, expected one such as of read_holding_registers")
    length = len(value) if name in ("string",) else None
    kind = data_type(name, order=order, length=length)
    size = kind.registers or 1
    rows = [
        (str(first + start), _shown(kind.decode(pack_words(value[start : start + size]))))
        for start in range(0, len(value) - size + 1, size)
    ]
    if not rows:
        raise ValueError(f"{len(value)} registers are too few, expected {size} for a {name}")
    return aligned(rows)


def decoded(hexadecimal: str) -> str:
    """Bytes in words."""
    from simulator.cli import frame_texts
    from simulator.explanation.guessing import Noise, read
    from simulator.explanation.hexadecimal import parse_hex

    parts = []
    for reading in read(parse_hex(hexadecimal)):
        for part in reading.parts:
            if isinstance(part, Noise):
                parts.append(frame_texts.noise_text(part))
            else:
                parts += [frame_texts.block(told, frame_texts.title(told)) for told in part]
    return "".join(parts)


def _words(value: Sequence[int], layout: str, first: int) -> str:
    if layout == "table":
        rows = [(str(first + index), str(word), f"0x{word:04X}") for index, word in enumerate(value)]
        return aligned(rows) if rows else "none\n"
    return " ".join(map(_NUMBERS[layout], value)) + "\n"


def _bits(value: Sequence[bool], layout: str, first: int) -> str:
    if layout == "table":
        return aligned((str(first + index), "on" if bit else "off") for index, bit in enumerate(value))
    return " ".join(str(int(bit)) for bit in value) + "\n"


def _signed(value: int) -> str:
    return str(value - 0x10000 if 0x8000 <= value <= 0xFFFF else value)


_NUMBERS: dict[str, Callable[[int], str]] = {
    "decimal": str,
    "signed": _signed,
    "hex": lambda value: f"0x{value:04X}",
    "binary": lambda value: f"{value:016b}",
}


def _is_words(value: Any) -> bool:
    return isinstance(value, (list, tuple)) and all(
        isinstance(each, int) and not isinstance(each, bool) and 0 <= each <= 0xFFFF for each in value
    )


def _key(key: Any) -> str:
    from simulator.explanation.names import OBJECTS

    return OBJECTS.get(key, f"0x{key:02X}") if isinstance(key, int) else str(key)


def _shown(value: Any) -> str:
    from simulator.explanation.fields import characters
    from simulator.explanation.pdus import summary
    from simulator.protocol.contract import Message

    if isinstance(value, bytes):
        return characters(value)
    if isinstance(value, Message):
        return summary(value)
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, float):
        return f"{value:.7g}"
    if isinstance(value, (list, tuple)):
        return " ".join(map(_shown, value))
    return str(value)


def _plain(value: Any) -> Any:
    from simulator.cli.places import plain

    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, dict):
        return {_key(key): _shown(each) for key, each in value.items()}
    if hasattr(value, "__match_args__"):
        return {name: _plain(getattr(value, name)) for name in value.__match_args__}
    return plain(value)

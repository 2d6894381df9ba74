"""Names of data types as manuals and other tools write them -> those of profiles.

One rule: a name is understood when it can mean one thing only; ``int`` with a size of two registers is an
``int32``, ``STRING[16]`` has 16 characters, ``float32 CDAB`` and ``uint32_swapped`` say their order too.
"""

from __future__ import annotations

import functools
import re
from typing import NamedTuple

from simulator.datatypes import DATA_TYPES
from simulator.documents.wording import suggest
from simulator.profiles.maps.fields import plain
from simulator.profiles.maps.orders import order_word


class Named(NamedTuple):
    """A data type; ``family`` stands for a type whose size tells which; ``length`` is in registers."""

    name: str
    length: int | None = None
    order: str | None = None


_BY_SIZE = {
    "int": {1: "int16", 2: "int32", 4: "int64"},
    "uint": {1: "uint16", 2: "uint32", 4: "uint64"},
    "float": {1: "float16", 2: "float32", 4: "float64"},
    "bcd": {1: "bcd16", 2: "bcd32", 4: "bcd64"},
}
_USUAL = {"int": "int16", "uint": "uint16", "float": "float32", "bcd": "bcd16"}
_WORDS = {
    "bool": "bool boolean bit coil digital flag discrete binary",
    "int8": "sint i8 s8 char8",
    "uint8": "usint byte u8",
    "int16": "short word_signed sword",
    "uint16": "word ushort enum enumerated unsigned_short",
    "int32": "dint long longint long_int sdword double_int",
    "uint32": "dword udint ulong unsigned_long doubleword double_word",
    "int64": "lint longlong long_long",
    "uint64": "ulint qword lword ulonglong unsigned_long_long",
    "float16": "half",
    "float32": "real single ieee ieee754 ieee_float float_ieee ieee754_float",
    "float64": "double lreal double_float ieee754_double",
    "string": "str text char ascii utf8 characters visiblestring visible_string",
    "bits": "bitmap bitmask bitfield flags bitstring bit_string bit_field",
    "raw": "hex binary_data bytes registers block opaque",
    "int": "integer signed signed_int signed_integer",
    "uint": "unsigned unsigned_int unsigned_integer",
    "float": "floating floating_point",
    "bcd": "",
}
_TYPE_OF = {plain(word): name for name, words in _WORDS.items() for word in (name, *words.split())}
_TYPE_OF |= {plain(name): name for name in DATA_TYPES}
_SIZED = re.compile(
    r"(?P<kind>uint|unsignedint(?:eger)?|unsigned|u|sint|signedint(?:eger)?|signed|int(?:eger)?|s|i"
    r"|float|real|ieee|f|bcd)(?P<bits>8|16|32|64)(?:bits?)?"
)
_BITS_FIRST = re.compile(
    r"(?P<bits>8|16|32|64)bits?(?P<kind>uint|unsigned(?:int(?:eger)?)?|int(?:eger)?|signed(?:int(?:eger)?)?"
    r"|float(?:ingpoint)?|real|bcd)"
)
_LONG = re.compile(r"([A-Za-z_ ]+?)\s*(?:[\[(:*]\s*(\d+)\s*[\])]?|(?<=g|r|t)(\d+))", re.ASCII)
_TEXTS = ("string", "bits", "raw")


@functools.lru_cache(maxsize=1024)
def data_type_word(text: str) -> Named:
    """What a name stands for, of a family perhaps (see ``sized``).  Raises ValueError."""
    found = _plain_type(text)
    if found is not None:
        return Named(found)
    if (match := _LONG.fullmatch(text.strip())) and (name := _TYPE_OF.get(plain(match[1]))) in _TEXTS:
        number = int(match[2] or match[3])
        return Named(str(name), max(1, -(-number // {"string": 2, "bits": 16, "raw": 1}[str(name)])))
    words = re.split(r"[\s,;/_()-]+", text.strip())
    for cut in range(len(words) - 1, 0, -1):
        name, order = _plain_type(" ".join(words[:cut])), order_word(" ".join(words[cut:]))
        if name is not None and order is not None:
            return Named(name, None, order)
    hint = suggest(text, DATA_TYPES)
    expected = "expected a data type such as uint16, int32, float32, bool, string or bits"
    raise ValueError(f"data type is {text!r}, {expected}" + (f"; {hint}" if hint else ""))


def sized(name: str, size: int | None) -> str:
    """The data type of a family (``int``, ``uint``, ``float``, ``bcd``) with so many registers."""
    if name not in _BY_SIZE:
        return name
    return _BY_SIZE[name].get(size or 0, _USUAL[name])


def _plain_type(text: str) -> str | None:
    word = plain(text)
    if word in _TYPE_OF:
        return _TYPE_OF[word]
    match = _SIZED.fullmatch(word) or _BITS_FIRST.fullmatch(word)
    if match is None:
        return None
    kind, bits = match["kind"], match["bits"]
    family = "bcd" if kind == "bcd" else "float" if kind[0] in "fr" or kind == "ieee" else "int"
    name = ("u" if kind.startswith("u") else "") + family + bits
    return name if name in DATA_TYPES else None

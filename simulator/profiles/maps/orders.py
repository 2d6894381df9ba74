"""Byte orders as manuals and other tools write them -> ABCD, CDAB, BADC or DCBA.

One rule: letters, digits and names mean the order on the wire of the bytes A (most significant) to D.
"""

from __future__ import annotations

import functools

from simulator.profiles.maps.fields import plain

_WORDS = {
    "ABCD": "big big_endian be msb msb_first msw_first high_first motorola none network ab abcdefgh "
    "0123 1234 high_word_first hi_lo normal straight big_big",
    "CDAB": "word word_swap words_swapped swap swapped word_swapped little_endian_byte_swap "
    "little_byte_swap lsw_first low_first low_word_first lo_hi modicon ghefcdab 2301 3412 "
    "little_endian_swap little_swap mid_little",
    "BADC": "byte byte_swap byte_swapped big_endian_byte_swap big_byte_swap ba badcfehg 1032 2143 "
    "big_endian_swap big_swap mid_big bytes_swapped",
    "DCBA": "little little_endian le lsb lsb_first intel word_byte byte_word hgfedcba 3210 4321 "
    "little_little reversed word_byte_swap",
}
_ORDER_OF = {plain(word): order for order, words in _WORDS.items() for word in (order, *words.split())}
_OF_WORDS = {
    **dict.fromkeys(("big", "bigendian", "be", "normal", "none", "false", "no", "0", "highfirst", "mswfirst",
                     "msw", "highwordfirst", "high", "abcd", "straight"), False),
    **dict.fromkeys(("little", "littleendian", "le", "swapped", "swap", "true", "yes", "1", "lowfirst",
                     "lswfirst", "lsw", "lowwordfirst", "low", "word", "cdab", "reversed"), True),
}  # fmt: skip
_COMBINED = {(False, False): "ABCD", (False, True): "CDAB", (True, False): "BADC", (True, True): "DCBA"}


@functools.lru_cache(maxsize=256)
def order_word(text: str) -> str | None:
    """The order that a text names, None when it names none."""
    return _ORDER_OF.get(plain(text))


def combined(byte_order: str | None, word_order: str | None) -> str | None:
    """The order of two columns, of bytes in words and of words; None when neither is given.

    Raises ValueError.
    """
    if byte_order is None and word_order is None:
        return None
    order = order_word(byte_order) if byte_order is not None else "ABCD"
    if order is None:
        expected = "expected ABCD, CDAB, BADC, DCBA, big or little"
        raise ValueError(f"byte order is {byte_order!r}, {expected}")
    if word_order is None:
        return order
    swapped = _OF_WORDS.get(plain(word_order))
    if swapped is None:
        raise ValueError(f"word order is {word_order!r}, expected big or little")
    return _COMBINED[order in ("BADC", "DCBA"), swapped]

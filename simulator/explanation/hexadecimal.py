"""Bytes as people write them: ``00 01``, ``0x00, 0x01``, ``00:01``, ``[0001]``; ASCII frames as characters.

Only digits, ``0x`` and separators are taken; anything else is refused, never skipped, so that a log line
pasted by mistake is not read as half of its letters.
"""

from __future__ import annotations

import re

_SEPARATORS = re.compile(r"[\s:,;_.\-\[\]{}()<>'\"|]+")
_PREFIX = re.compile(r"(?:0[xX]|\\x|#|\$)")
_SUFFIX = re.compile(r"\b([0-9A-Fa-f]{1,2})[hH]\b")
_ASCII_FRAME = re.compile(r"\s*:[0-9A-Fa-f]{6,}(?:\s|$|\\r)")


def parse_hex(text: str) -> bytes:
    """The bytes of ``text``; a text that begins as an ASCII frame does gives its characters.

    Raises ValueError with the fact, what it got and what it expected.
    """
    if _ASCII_FRAME.match(text):
        return _ascii(text)
    plain = _SUFFIX.sub(r"\1", text)
    digits = []
    for word in filter(None, _SEPARATORS.split(_PREFIX.sub(" ", plain))):
        if not re.fullmatch(r"[0-9A-Fa-f]+", word):
            wrong = next(letter for letter in word if letter not in "0123456789abcdefABCDEF")
            raise ValueError(
                f"{wrong!r} in {_shown(text)} is no hexadecimal digit, expected bytes such as '00 01 2A'"
            )
        if len(word) == 1:
            word = f"0{word}"
        elif len(word) % 2:
            raise ValueError(f"{_shown(word)} has {len(word)} digits, expected two for each byte")
        digits.append(word)
    return bytes.fromhex("".join(digits))


def _ascii(text: str) -> bytes:
    """Frames as characters, one a line; line ends that were lost are put back."""
    lines = text.replace("\\r\\n", "\n").replace("\\r", "").split()
    return "".join(f"{line}\r\n" for line in lines).encode("ascii", "replace")


def _shown(text: str) -> str:
    return repr(text if len(text) <= 40 else text[:37] + "...")

"""Serial endpoints: ``rtu:/dev/ttyUSB0?baudrate=9600&parity=N``, ``ascii:pty?link=/tmp/line``.

A line is a device path, or a pseudo-terminal that is made for it, and the settings of the port.  Defaults
are those of Modbus over Serial Line V1.02 §2.5: 19200 baud, even parity, one stop bit, 8 data bits, 7 in
ASCII. Refused: paths that are not absolute (which folder would they start from?), and options of another
kind of line.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import unquote

from simulator.documents.wording import unknown

PTY = "pty"
MAX_BAUDRATE = 4_000_000
DEFAULT_BAUDRATE = 19200  # V1.02 §2.5: the default, with even parity

_PARITIES = {"N": "N", "E": "E", "O": "O", "NONE": "N", "EVEN": "E", "ODD": "O"}


@dataclass(frozen=True, slots=True)
class SerialLine:
    """A serial port and its settings; ``path`` is empty for a pseudo-terminal."""

    path: str
    options: str  # as written, without ``link``, with the ? in front
    baudrate: int = DEFAULT_BAUDRATE
    parity: str = "E"  # N, E, O
    stopbits: int = 1
    bytesize: int = 8
    strict_gap: bool = False  # a pause of more than 1.5 characters makes a frame bad, V1.02 §2.5.1.1
    link: str = ""  # a name for the pseudo-terminal

    @property
    def is_pty(self) -> bool:
        """True when a pseudo-terminal is made."""
        return not self.path

    @property
    def character_bits(self) -> int:
        """Bits of one character on the line, start bit included."""
        return 1 + self.bytesize + (self.parity != "N") + self.stopbits

    def text(self, path: str = "") -> str:
        """What stands behind the scheme; ``path`` in place of ``pty`` once there is one."""
        return (path or self.path or self.link or PTY) + self.options


def parse_line(text: str, framing: str, rest: str) -> SerialLine:
    """The line in what follows ``rtu:``; ``text`` is the whole endpoint.  Raises ValueError."""
    path, question, query = rest.partition("?")
    is_pty = path == PTY
    if not is_pty and (not path.startswith("/") or path.endswith("/") or path.startswith("//")):
        raise ValueError(
            f"serial port is {path!r} in {text!r}, expected the path of a device such as /dev/ttyUSB0, or pty"
        )
    options = _options(text, query) if question else {}
    legal = [*OPTIONS, "link"] if is_pty else list(OPTIONS)
    for name in options:
        if name not in legal:
            raise ValueError(unknown("option", name, legal))
    values: dict[str, Any] = {name: OPTIONS[name](options[name]) for name in OPTIONS if name in options}
    kept = "&".join(f"{name}={value}" for name, value in options.items() if name != "link")
    line = SerialLine("" if is_pty else path, f"?{kept}" if kept else "", link=_link(options))
    if framing == "ascii":
        line = replace(line, bytesize=7)  # V1.02 §2.5.2
    line = replace(line, **values)
    if line.strict_gap and framing != "rtu":
        raise ValueError(f"strict_gap is true in {text!r}, expected rtu: only its frames end with a silence")
    if line.bytesize == 7 and framing != "ascii":
        raise ValueError(f"bytesize is 7 in {text!r}, expected 8: only ascii: fits into 7 bits")
    return line


def _options(text: str, query: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for part in query.split("&"):
        name, equals, value = part.partition("=")
        if not equals or not name or not value:
            raise ValueError(f"option is {part!r} in {text!r}, expected NAME=VALUE such as baudrate=9600")
        if name in found:
            raise ValueError(f"option {name!r} is given twice in {text!r}, expected it once")
        found[name] = unquote(value)
    return found


def _link(options: Mapping[str, str]) -> str:
    link = options.get("link", "")
    if link and (not link.startswith("/") or link.endswith("/")):
        raise ValueError(f"link is {link!r}, expected an absolute path such as /tmp/line-1")
    return link


def _baudrate(text: str) -> int:
    if not (text.isascii() and text.isdigit()) or not 50 <= int(text) <= MAX_BAUDRATE:
        raise ValueError(f"baudrate is {text}, expected 50 to {MAX_BAUDRATE}")
    return int(text)


def _parity(text: str) -> str:
    if text.upper() not in _PARITIES:
        raise ValueError(f"parity is {text}, expected N, E or O")
    return _PARITIES[text.upper()]


def _stopbits(text: str) -> int:
    if text not in ("1", "2"):
        raise ValueError(f"stopbits is {text}, expected 1 or 2")
    return int(text)


def _bytesize(text: str) -> int:
    if text not in ("7", "8"):
        raise ValueError(f"bytesize is {text}, expected 7 or 8")
    return int(text)


def _strict_gap(text: str) -> bool:
    if text not in ("true", "false"):
        raise ValueError(f"strict_gap is {text}, expected true or false")
    return text == "true"


OPTIONS: dict[str, Callable[[str], object]] = {
    "baudrate": _baudrate,
    "parity": _parity,
    "stopbits": _stopbits,
    "bytesize": _bytesize,
    "strict_gap": _strict_gap,
}

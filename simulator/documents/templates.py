"""Texts with places for numbers: ``meter-{n:04}``, ``SN{n:06}``, ``{rated_power} W``.

A template is a Python format string over ``i`` (counts devices from 0), ``n`` (from 1), and the
names its user allows (``name``, parameters).  The one rule: a template is checked when the file is
loaded, never when a device is asked for its name.  Attribute and index access, conversions, nested
fields and very wide fields are refused.
"""

from __future__ import annotations

import re
import string
from collections.abc import Collection

INDEX_FIELDS = frozenset({"i", "n"})

_FIELD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_MAX_WIDTH = 3  # digits of a width or precision: {n:999} is more than any name needs


class Template:
    """A checked format string.  Equal texts make equal templates.

    ``fields`` are the names it uses, ``is_constant`` tells that there are none.
    """

    __slots__ = ("_constant", "fields", "parts", "text")

    def __init__(self, text: str, legal: Collection[str] | None = None) -> None:
        """Raises ValueError for a text that is no legal template; ``legal`` limits the field names."""
        self.text = text
        self.parts: tuple[tuple[str, str | None, str], ...] = tuple(_parse(text))  # literal, field, spec
        self.fields = frozenset(field for _, field, _ in self.parts if field is not None)
        self._constant = "".join(literal for literal, _, _ in self.parts)
        if legal is not None:
            self._check_fields(legal)

    @property
    def is_constant(self) -> bool:
        """True when every device gets the same text."""
        return not self.fields

    @property
    def is_indexed(self) -> bool:
        """True when the text differs from device to device by ``i`` or ``n``."""
        return not INDEX_FIELDS.isdisjoint(self.fields)

    def render(self, i: int, **context: object) -> str:
        """The text for device ``i``; raises ValueError when a value does not fit its format."""
        if not self.fields:
            return self._constant
        try:
            return self.text.format(i=i, n=i + 1, **context)
        except KeyError as error:
            raise ValueError(f"field {{{error.args[0]}}} of {self.text!r} has no value") from None
        except (ValueError, TypeError) as error:
            raise ValueError(f"{self.text!r} cannot be filled in: {error}") from None

    def _check_fields(self, legal: Collection[str]) -> None:
        for field in sorted(self.fields):
            if field not in legal:
                names = ", ".join(f"{{{name}}}" for name in sorted(legal))
                raise ValueError(f"{self.text!r} uses {{{field}}}, expected one of {names}")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Template) and other.text == self.text

    def __hash__(self) -> int:
        return hash(self.text)

    def __repr__(self) -> str:
        return f"Template({self.text!r})"


def _parse(text: str) -> list[tuple[str, str | None, str]]:
    """Literal, field name and format specification of each part; checks all of them."""
    try:
        parts = list(string.Formatter().parse(text))
    except ValueError as error:
        raise ValueError(
            f"{text!r} is no template: {str(error).lower()}, expected fields such as {{n}} or {{n:04}}"
        ) from None
    for _, field, spec, conversion in parts:
        if field is not None:
            _check_field(text, field, spec or "", conversion)
    return [(literal, field, spec or "") for literal, field, spec, _ in parts]


def _check_field(text: str, field: str, spec: str, conversion: str | None) -> None:
    if not _FIELD.fullmatch(field):
        got = f"{{{field}}}" if field else "{}"
        raise ValueError(f"{text!r} uses {got}, expected a plain name such as {{i}} or {{n}}")
    if conversion is not None:
        raise ValueError(f"{text!r} uses !{conversion}, expected a format such as {{{field}:04}}")
    if "{" in spec or re.search(rf"[0-9]{{{_MAX_WIDTH + 1},}}", spec):
        raise ValueError(f"{text!r} uses the format {spec!r}, expected a width of at most 999")
    if field in INDEX_FIELDS:
        try:
            format(1, spec)
        except ValueError:
            raise ValueError(
                f"{text!r} uses the format {spec!r}, expected one for whole numbers such as 04"
            ) from None

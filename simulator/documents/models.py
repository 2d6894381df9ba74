"""The base of the models that files are checked against.

The one rule: nothing is converted silently.  A quoted ``"5"`` is no number, ``1`` is no boolean and
a key nobody reads is an error.  Models are immutable and compiled when first used.
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class FileModel(BaseModel):
    """A mapping of a file.  Subclasses declare its keys; lists of the file are ``list`` fields."""

    model_config = ConfigDict(
        extra="forbid",
        strict=True,
        frozen=True,
        defer_build=True,
        allow_inf_nan=False,
        use_attribute_docstrings=True,
    )

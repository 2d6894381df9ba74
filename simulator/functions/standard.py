"""The functions of the specification.  Importing this module registers all of them."""

from __future__ import annotations

from simulator.functions import bits, identification, registers
from simulator.functions.table import function_table

MODULES = (bits, registers, identification)

__all__ = ["MODULES", "function_table"]

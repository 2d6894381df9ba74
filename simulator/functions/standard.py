"""The functions of the specification.  Importing this module registers all of them."""

from __future__ import annotations

from simulator.functions import bits, diagnostics, fifo, files, identification, registers, status
from simulator.functions.table import function_table

MODULES = (bits, registers, status, diagnostics, files, fifo, identification)

__all__ = ["MODULES", "function_table"]

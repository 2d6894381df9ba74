"""The blocking client is light: what a script pays for ``import simulator.client``."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
MOST_MODULES = 40
HEAVY = ("twisted", "numpy", "pydantic", "asyncio", "yaml", "ssl", "serial", "concurrent")


def run(*words: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [sys.executable, *words], env=environment, capture_output=True, text=True, check=True, timeout=60
    )


def test_importing_the_blocking_client_loads_nothing_heavy() -> None:
    code = f"import sys, simulator.client; print([name for name in {HEAVY} if name in sys.modules])"
    assert run("-c", code).stdout.strip() == "[]"


def test_importing_the_blocking_client_loads_few_modules_of_ours() -> None:
    code = "import sys, simulator.client; print(*(name for name in sys.modules if name.startswith('simulator.')))"
    loaded = run("-c", code).stdout.split()
    assert "simulator.client.blocking" in loaded
    assert len(loaded) <= MOST_MODULES


def test_the_client_for_asyncio_loads_no_twisted() -> None:
    code = "import sys; from simulator.client import AsyncClient; print('twisted' in sys.modules)"
    assert run("-c", code).stdout.strip() == "False"

"""Profiles from texts, and what is wrong with them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from simulator.errors import ConfigError
from simulator.profiles.loader import ProfileLibrary
from simulator.profiles.profile import Profile

Load = Callable[..., Profile]
Complaints = Callable[..., list[str]]


@pytest.fixture
def load(tmp_path: Path) -> Load:
    """``load(text, **more)`` resolves the profile ``p`` of the text; ``more`` are other profiles by name."""

    def load(text: str, **more: str) -> Profile:
        for name, content in {"p": text, **more}.items():
            (tmp_path / f"{name}.yaml").write_text(content)
        return ProfileLibrary([tmp_path], environ={"RATE": "2"}).resolve("p")

    return load


@pytest.fixture
def complaints(load: Load, tmp_path: Path) -> Complaints:
    """What ``load`` complains about, one text each, without the folder."""

    def complaints(text: str, **more: str) -> list[str]:
        with pytest.raises(ConfigError) as caught:
            load(text, **more)
        return [str(problem).replace(f"{tmp_path}/", "") for problem in caught.value.problems]

    return complaints

"""The reference of the programming interface is what the docstrings say now, and leads somewhere."""

from __future__ import annotations

import importlib
import inspect
import math
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
API = ROOT / "docs" / "reference" / "api"
sys.path.insert(0, str(ROOT / "scripts"))

from referencing import entries, prose, signatures  # noqa: E402
from referencing.pages import PAGES, Page  # noqa: E402

from simulator.functions import table  # noqa: E402
from simulator.generators import base, numbers, registry  # noqa: E402
from simulator.generators.rows import Group, GroupRows  # noqa: E402


def run(*words: str) -> subprocess.CompletedProcess[str]:
    script = [sys.executable, str(ROOT / "scripts" / "reference"), *words]
    return subprocess.run(script, capture_output=True, text=True, timeout=120, check=False)


def test_the_pages_are_up_to_date() -> None:
    found = run("--check")
    assert (found.returncode, found.stdout) == (0, ""), f"{found.stdout}{found.stderr}\nrun scripts/reference"


def test_pages_are_written_and_old_ones_go(tmp_path: Path) -> None:
    (tmp_path / "gone.md").write_text("of an earlier version")
    assert run("--check", "--to", str(tmp_path)).returncode == 1
    written = run("--to", str(tmp_path))
    assert written.stdout.split() == sorted([*(f"{name}.md" for name in PAGES), "gone.md"])
    assert sorted(file.stem for file in tmp_path.iterdir()) == sorted(PAGES)
    assert run("--to", str(tmp_path)).stdout == ""


@pytest.mark.parametrize("name", PAGES)
def test_every_link_to_a_heading_has_one(name: str) -> None:
    text = (API / f"{name}.md").read_text()
    for file, anchor in re.findall(r"\]\(([a-z]*(?:\.md)?)#([^)]*)\)", text):
        target = text if not file else (API / file).read_text()
        headings = re.findall(r"^##+ (\w+)$", target, re.M)
        assert anchor in dict(entries.anchors(headings)).values()


@pytest.mark.parametrize("package", ["client", "embed", "testing", "maps", "payload"])
def test_every_public_name_of_a_package_has_a_section(package: str) -> None:
    names = importlib.import_module(f"simulator.{package}").__all__
    text = (API / f"{package}.md").read_text()
    assert [name for name in names if f"\n## {name}\n" not in text] == []


def test_a_public_name_without_a_docstring_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    from simulator.maps import Decoder

    monkeypatch.setattr(Decoder, "__doc__", None)
    with pytest.raises(entries.Undocumented, match="Decoder is public and has no docstring"):
        entries.pages()


def test_a_name_that_does_not_exist_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(PAGES, "odd", Page("Odd", "simulator.maps", ("simulator.maps.Encoder",)))
    with pytest.raises(AttributeError):
        entries.pages()


def test_the_examples_of_the_decorators_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_TYPES", dict(registry.types()))
    monkeypatch.setattr(table, "_functions", dict(table._functions))
    module = ModuleType("examples")
    monkeypatch.setitem(sys.modules, "examples", module)
    names = vars(module)
    names |= {
        "dataclass": dataclass,
        "function": table.function,
        "generator": registry.generator,
        "math": math,
    }
    names |= {"Generator": base.Generator, "OfTime": base.OfTime, "Value": numbers.Value}
    for decorator in (registry.generator, table.function):
        example = re.search(r"```python\n(.*?)```", prose.markdown(inspect.getdoc(decorator) or "", {}), re.S)
        assert example is not None
        exec(example[1], names)
    found = registry.make({"type": "tide", "height": 2})
    rows = GroupRows([Group("d", 1, {})], seed=0)
    assert found.sampler(rows, "p").sample(0, math.pi / 2 * 7115, 0, 1) == 2
    assert names["serial_number"](None, b"") == bytes.fromhex("41 00 00 03 2F")


def test_docstrings_as_markdown() -> None:
    text = "Give a ``Decoder`` to ``decode``, or :class:`~simulator.errors.ConfigError`::\n\n    a = 1\n    b\n\nEnd."
    links = {"Decoder": "#decoder", "ConfigError": "errors.md#configerror", "decode": "#decode"}
    assert prose.markdown(text, links) == (
        "Give a [`Decoder`](#decoder) to `decode`, or [`ConfigError`](errors.md#configerror):\n\n"
        "```python\na = 1\nb\n```\n\nEnd."
    )


def test_signatures_as_one_reads_them() -> None:
    def short(self: object, name: str, *, count: int = 1) -> list[str]: ...  # type: ignore[empty-body]

    assert signatures.of("short", short, is_method=True) == "short(name: str, *, count: int = 1) -> list[str]"

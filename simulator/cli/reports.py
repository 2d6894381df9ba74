"""How ``check`` reports: text for people, JSON for programs, annotations for a workflow.

Each report is one function from problems or a preflight to (stdout, stderr).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass

from simulator.cli.preflight import Preflight
from simulator.errors import Problem


@dataclass(frozen=True)
class Result:
    """What ``check`` found out: problems of the file, or else a preflight."""

    file: str
    problems: tuple[Problem, ...] = ()
    preflight: Preflight | None = None


def text(result: Result) -> tuple[str, str]:
    """Facts on stdout, everything wrong on stderr."""
    errors = [str(problem) for problem in result.problems]
    facts = []
    if (preflight := result.preflight) is not None:
        facts = _facts(preflight)
        errors = [f"{result.file}: {finding}" for finding in preflight.findings]
        verdict = "valid, but it will not run here" if errors else "ready to run"
        facts.append(f"{result.file}: {verdict}")
    else:
        errors.append(f"{result.file}: {_counted(len(result.problems), 'problem')}")
    return _lines(facts), _lines(errors)


def as_json(result: Result) -> tuple[str, str]:
    """One object: file, ok, problems, preflight."""
    preflight = result.preflight
    content = {
        "file": result.file,
        "ok": not result.problems and preflight is not None and not preflight.findings,
        "problems": [
            {"file": p.file, "line": p.line, "column": p.column, "path": p.path, "message": p.message}
            for p in result.problems
        ],
        "preflight": preflight
        and {
            "devices": preflight.devices,
            "listeners": preflight.listeners,
            "descriptors": preflight.descriptors,
            "descriptor_limit": preflight.descriptor_limit,
            "memory_bytes": preflight.memory,
            "compiled": preflight.compiled,
            "findings": [
                {"exit_code": f.code, "message": f.message, "advice": f.advice.strip()}
                for f in preflight.findings
            ],
        },
    }
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n", ""


def github(result: Result) -> tuple[str, str]:
    """Workflow commands: one ``::error`` a problem, a warning for what concerns this machine."""
    lines = [
        f"::error file={_property(p.file)},line={p.line or 1},col={p.column or 1},title={_property(p.path)}"
        f"::{_message(p.message)}"
        for p in result.problems
    ]
    if result.preflight is not None:
        lines += [
            f"::warning file={_property(result.file)}::{_message(str(finding))}"
            for finding in result.preflight.findings
        ]
    return _lines(lines), ""


REPORTS: dict[str, Callable[[Result], tuple[str, str]]] = {"text": text, "json": as_json, "github": github}


def _facts(preflight: Preflight) -> list[str]:
    return [
        f"devices      {preflight.devices}",
        f"listeners    {preflight.listeners}",
        f"descriptors  {preflight.descriptors} and one for each connection, of {preflight.descriptor_limit}",
        f"memory       about {preflight.memory / 2**20:.0f} MiB",
        f"compiled     {'yes' if preflight.compiled else f'no ({preflight.why_not})'}",
    ]


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"


def _lines(lines: list[str]) -> str:
    return "".join(line + "\n" for line in lines)


def _message(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _message(text).replace(":", "%3A").replace(",", "%2C")

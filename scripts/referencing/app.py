"""The command line: write the pages, or say which are out of date."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
API = ROOT / "docs" / "reference" / "api"


def main() -> int:
    """Write every page, or look at them only."""
    sys.path.insert(0, str(ROOT))
    from referencing.entries import pages

    parser = argparse.ArgumentParser(prog="scripts/reference", description="Write the API's reference.")
    parser.add_argument("--check", action="store_true", help="change nothing; exit code 1 when a page is old")
    parser.add_argument("--to", type=Path, default=API, help="the folder for the pages")
    options = parser.parse_args()
    wanted = pages()
    old = [
        name
        for name, text in wanted.items()
        if not (file := options.to / name).is_file() or file.read_text() != text
    ]
    old += [file.name for file in options.to.glob("*.md") if file.name not in wanted]
    for name in sorted(old):
        print(f"{name} is out of date" if options.check else name)
    if options.check:
        return 1 if old else 0
    options.to.mkdir(parents=True, exist_ok=True)
    for name in old:
        if name in wanted:
            (options.to / name).write_text(wanted[name])
        else:
            (options.to / name).unlink()
    return 0

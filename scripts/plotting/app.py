"""The command line: which profiles to draw, and where to."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
IMAGES = ROOT / "docs" / "images"


def main() -> int:
    """Draw the profiles that are asked for, or all of them."""
    sys.path.insert(0, str(ROOT))
    from plotting.days import record
    from plotting.drawing import svg
    from plotting.pictures import PICTURES

    parser = argparse.ArgumentParser(prog="scripts/plots", description="Draw a day of the shipped profiles.")
    parser.add_argument("names", nargs="*", metavar="PROFILE", help=f"default: {', '.join(PICTURES)}")
    parser.add_argument("--to", type=Path, default=IMAGES, help="the folder for the SVG files")
    options = parser.parse_args()
    if wrong := [name for name in options.names if name not in PICTURES]:
        parser.error(f"there is no picture of {', '.join(wrong)}, expected {', '.join(PICTURES)}")
    for name in options.names or PICTURES:
        began = time.monotonic()
        picture = PICTURES[name]
        file = options.to / f"{name}.svg"
        file.write_text(svg(picture, *record(name, picture)))
        print(f"{file.name}  {file.stat().st_size / 1000:.0f} kB  {time.monotonic() - began:.0f} s")
    return 0

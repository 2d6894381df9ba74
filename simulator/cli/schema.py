"""``modsim schema [plant|profile]``: the JSON Schema that editors and programs check files against."""

from __future__ import annotations

import argparse
import json

from simulator.cli import exits

DESCRIPTION = """\
Print the JSON Schema of the plant file (default) or of a profile.

Editors with a YAML language server complete and check a file whose first line is
  # yaml-language-server: $schema=modsim.schema.json"""

EPILOG = """\
examples:
  modsim schema > modsim.schema.json
  modsim schema profile > modsim-profile.schema.json"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Whose schema."""
    parser.add_argument("of", choices=("plant", "profile"), nargs="?", default="plant", help="default: plant")


def run(arguments: argparse.Namespace) -> int:
    """Print the schema."""
    print(schema_text(arguments.of), end="")
    return exits.OK


def schema_text(of: str) -> str:
    """The schema of ``plant`` or ``profile`` as JSON text."""
    if of == "profile":
        from simulator.profiles.schema import json_schema
    else:
        from simulator.config.schema import json_schema
    return json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n"

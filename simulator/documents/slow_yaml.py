"""The parser of PyYAML in Python, for installations of PyYAML without libyaml.

Composes the same nodes as ``yaml.cyaml.CParser``, about five times slower.  It decides nothing;
``simulator.documents.yaml`` overrides its resolver either way.
"""

from __future__ import annotations

from yaml.composer import Composer
from yaml.parser import Parser
from yaml.reader import Reader
from yaml.scanner import Scanner


class CParser(Reader, Scanner, Parser, Composer):
    """Stands in for ``yaml.cyaml.CParser``."""

    def __init__(self, stream: str) -> None:
        Reader.__init__(self, stream)
        Scanner.__init__(self)
        Parser.__init__(self)
        Composer.__init__(self)

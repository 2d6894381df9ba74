"""The ``generator`` of a point, checked by the registry of generators.

One rule: generators judge their own keys; this module only puts their complaints where they belong.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from simulator.documents.problems import from_validation_error
from simulator.documents.yaml import Path
from simulator.generators.base import Generator
from simulator.generators.registry import make, types
from simulator.profiles.layers import LayeredDocument


def read_generator(
    spec: Mapping[str, Any], path: Path, parameters: Mapping[str, float | str], document: LayeredDocument
) -> Generator | None:
    """The generator of the mapping at ``path``, None after problems; templates may use ``parameters``.

    A file that the mapping names is searched beside the file in which its name was written.
    """
    try:
        return make(spec, parameters, _folder(spec, path, document))
    except ValidationError as error:
        document.problems += from_validation_error(document, error, path, types()[spec["type"]])
    except ValueError as error:
        document.report((*path, "type") if "type" in spec else path, str(error))
    return None


def _folder(spec: Mapping[str, Any], path: Path, document: LayeredDocument) -> str:
    """The folder of the layer that names the generator's file."""
    cls = types().get(str(spec.get("type")))
    key = cls.file_key if cls is not None else ""
    return os.path.dirname(document.problem((*path, key), "").file) if key in spec else ""

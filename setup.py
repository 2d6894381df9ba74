"""The compiled parts: without a compiler Python does their work.  All else stands in ``setup.cfg``."""

from pathlib import Path

from setuptools import Extension, setup

FLAGS = ["-std=c11", "-O3", "-Wall", "-Wextra"]
TURN = Path("simulator/server/compiled")
CRC = Path("simulator/protocol")


def extension(name: str, sources: list[Path], *folders: Path) -> Extension:
    return Extension(
        name,
        [str(source) for source in sources],
        include_dirs=[str(folder) for folder in folders],
        depends=[str(header) for folder in folders for header in sorted(folder.glob("*.h"))],
        extra_compile_args=FLAGS,
        optional=True,
    )


setup(
    ext_modules=[
        extension("simulator.server._turn", sorted(TURN.glob("*.c")), TURN, CRC),
        extension("simulator.protocol._crc16", [CRC / "_crc16.c"], CRC),
    ]
)

"""The compiled part, optional: without a compiler Python does its work.  All else stands in ``setup.cfg``."""

from setuptools import Extension, setup

setup(
    ext_modules=[
        Extension(
            "simulator.server._turn",
            ["simulator/server/_turn.c"],
            extra_compile_args=["-std=c11", "-O3", "-Wall", "-Wextra"],
            optional=True,
        )
    ]
)

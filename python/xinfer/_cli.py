"""The command `xinfer`: the compiled program that the package carries."""

from __future__ import annotations

import os
import pathlib
import sys


def program() -> pathlib.Path:
    """Where the compiled command lies: beside the compiled module."""
    from xinfer import _core

    return pathlib.Path(_core.__file__).parent / "bin" / "xinfer"


def main() -> None:
    path = str(program())
    os.execv(path, [path, *sys.argv[1:]])

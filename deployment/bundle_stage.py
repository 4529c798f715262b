"""`python -m deployment.bundle_stage FOLDER`: what ships, put into a folder. The first stage of the Dockerfile runs it.

It needs a Python with pip and nothing else, and compiles for the Python that runs it.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from deployment.bundle import spread
from deployment.bundle_contents import Inputs, gathered
from deployment.errors import DeployError


def main(argv: Sequence[str] | None = None) -> int:
    """The exit code: 0 done, 1 it went wrong."""
    parser = argparse.ArgumentParser(prog="python -m deployment.bundle_stage", description=__doc__)
    parser.add_argument("folder", type=Path, help="where it goes; made if need be")
    options = parser.parse_args(argv)
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    try:
        spread(gathered(Inputs(folder=Path.cwd(), python=python), "aarch64", _tell), options.folder)
    except DeployError as error:
        _tell(str(error))
        return 1
    return 0


def _tell(line: str) -> None:
    sys.stderr.write(f"{line}\n")


if __name__ == "__main__":
    sys.exit(main())

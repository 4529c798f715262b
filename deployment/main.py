"""What a Runtime starts: it stands at the root of the artifact, with everything of ours and what that needs in `lib`.

The users' files lie beside it. They are found through policies.toml, after everything else on the path, as on any
other machine: so this folder, which Python puts first, is taken off.
"""

import os
import sys

_FOLDER = os.path.dirname(os.path.abspath(__file__))


def _settle() -> None:
    """The folder becomes the working directory, for relative paths of the environment and of policies."""
    os.chdir(_FOLDER)
    others = [place for place in sys.path if place and os.path.abspath(place) != _FOLDER]
    sys.path[:] = [os.path.join(_FOLDER, "lib"), *others]


if __name__ == "__main__":
    _settle()
    from proxy.__main__ import main

    sys.exit(main(["serve"]))

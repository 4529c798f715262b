"""`python -m benchmarks.detection [--quick] [--seed N] [--only PART,...] [--corpus FILE] [--policies FILE] [--places]`.

Prints every figure with its target beside it; the exit code is 1 when one is missed or was not measured.
"""

import argparse
import logging
import sys
from functools import partial
from pathlib import Path

from benchmarks.detection import research, seams
from benchmarks.detection.hostile import SHAPES
from benchmarks.detection.parts import PARTS, Plan, run


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.detection", description="What detection finds, spares and costs."
    )
    parser.add_argument(
        "--quick", action="store_true", help="fewer results, smaller payloads, a third of the hostile shapes"
    )
    parser.add_argument("--seed", type=int, default=20261, help="another seed is another corpus of the same families")
    parser.add_argument("--only", metavar="PART,...", default=",".join(PARTS), help=f"of {', '.join(PARTS)}")
    parser.add_argument("--corpus", type=Path, default=research.CORPUS, metavar="FILE", help="presidio-research v2")
    parser.add_argument("--policies", type=Path, metavar="FILE", help="measure this file's redact and secrets")
    parser.add_argument(
        "--places", action="store_true", help="say where values were missed and leaves changed (no values)"
    )
    options = parser.parse_args()
    names = options.only.split(",")
    if unknown := set(names) - set(PARTS):
        parser.error(f"--only: unknown {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
    logging.getLogger("presidio-analyzer").setLevel(logging.ERROR)
    plan = Plan(
        seed=options.seed,
        rounds=3 if options.quick else 12,
        kilobytes=(1, 10) if options.quick else (1, 10, 100),
        shapes=len(SHAPES) // 3 if options.quick else len(SHAPES),
        research_file=options.corpus,
        ours=seams.ours(options.policies),
        timed=partial(seams.timed, policies=options.policies),
        places=options.places,
    )
    sys.exit(0 if run(plan, names) else 1)


if __name__ == "__main__":
    main()

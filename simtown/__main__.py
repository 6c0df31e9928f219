"""`python -m simtown OUT [--seed 7] [--towns 2] [--size small|demo|<N>MB] [--with-dolt-dump no] [--with-telemetry no]`"""

import argparse
import sys
from pathlib import Path

from simtown.world import generate


def main() -> int:
    """Generate towns; exit code 2 and a sentence when the arguments cannot be used."""
    parser = argparse.ArgumentParser("simtown", description="Write synthetic towns with known ground truth.")
    parser.add_argument("out", type=Path, help="a new or empty folder")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--towns", type=int, default=2)
    parser.add_argument("--size", default="demo", help="small, demo or megabytes of transcripts such as 100MB")
    parser.add_argument("--with-dolt-dump", choices=("yes", "no"), default="no", help="also write versions of merge-request rows")
    parser.add_argument("--with-telemetry", choices=("yes", "no"), default="no", help="also write a recorded answer of a log store")
    given = parser.parse_args()
    try:
        has_dump, has_telemetry = given.with_dolt_dump == "yes", given.with_telemetry == "yes"
        truth = generate(
            given.out,
            seed=given.seed,
            towns=given.towns,
            size=given.size,
            with_dolt_dump=has_dump,
            with_telemetry=has_telemetry,
        )
    except (ValueError, FileExistsError) as problem:
        print(f"simtown: {problem}", file=sys.stderr)
        return 2
    print(f"{given.out / 'towns.yaml'} is ready; ground truth lies in {truth.folder}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

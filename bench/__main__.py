"""Runs the benches: `python -m bench [NAME …] [--mb N]`. Without a name, all of them. Results also go to bench/out/results.txt."""

import argparse
from collections.abc import Callable

from bench import build, dolt, duplicates, ingest, leakage, nightly, queries, registry, snapshot
from bench.lakes import OUT

BENCHES: dict[str, Callable[[int], str]] = {
    "ingest": ingest.throughput,
    "memory": ingest.memory,
    "idle": lambda megabytes: ingest.nothing_new(2_000 if megabytes >= 100 else 100),
    "dolt": dolt.events_over_the_wire,
    "build": build.full_and_incremental,
    "nightly": lambda megabytes: nightly.small_against_large(max(5, megabytes // 2)),
    "queries": queries.first_rows,
    "registry": registry.fifty_clients,
    "duplicates": duplicates.against_datasketch,
    "leakage": leakage.windows_against_groups,
    "snapshot": snapshot.create_and_find,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"{', '.join(BENCHES)}; all by default")
    parser.add_argument(
        "--mb", type=int, default=1000, help="megabytes of synthetic transcripts (the nightly bench uses 0.5 and 5 times)"
    )
    arguments = parser.parse_args()
    unknown = set(arguments.names) - set(BENCHES)
    if unknown:
        parser.error(f"unknown bench {', '.join(sorted(unknown))}; there are {', '.join(BENCHES)}")
    OUT.mkdir(exist_ok=True)
    with (OUT / "results.txt").open("a") as results:
        for name in arguments.names or BENCHES:
            result = BENCHES[name](arguments.mb)
            print(result, flush=True)
            results.write(result + "\n")


if __name__ == "__main__":
    main()

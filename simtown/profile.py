"""Measure a folder of transcripts: what records it holds, how large they are, how well they compress.

    python -m simtown.profile FOLDER... [--names spotter,viewer] > simtown/profile.json

Every `*.jsonl` below the folders counts. The checked-in `profile.json` was measured over the public sets it names; generated
worlds are held against it.
"""

import argparse
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa

QUANTILES = (0.1, 0.25, 0.5, 0.75, 0.9)
CHECKED_IN = Path(__file__).with_name("profile.json")


def _quantiles(values: list[int]) -> dict[str, int]:
    ordered = sorted(values)
    return {str(share): ordered[int(share * (len(ordered) - 1))] for share in QUANTILES}


def measure(folders: Sequence[Path]) -> dict[str, Any]:
    """Profile of all transcripts below `folders`.

    Gives `files`, `records`, `bytes`; `mix`: share of records by type; `progress_mix`: share by progress type; `error_share`:
    failed of all tool results; `record_bytes` and `file_bytes`: quantiles; `zstd_ratio`: bytes over the sum of the files'
    zstd-3 sizes. Lines that are not JSON objects with a type are left out. Errors: `ValueError` when there is no record.
    """
    codec = pa.Codec("zstd", compression_level=3)
    types: Counter[str] = Counter()
    kinds: Counter[str] = Counter()
    line_sizes: list[int] = []
    file_sizes: list[int] = []
    results = errors = compressed = 0
    for path in sorted(path for folder in folders for path in folder.rglob("*.jsonl")):
        content = path.read_bytes()
        if not content:
            continue
        file_sizes.append(len(content))
        compressed += len(codec.compress(content, asbytes=True))
        for line in content.splitlines():
            try:
                record = orjson.loads(line)
            except orjson.JSONDecodeError:
                continue
            if not isinstance(record, dict) or "type" not in record:
                continue
            types[record["type"]] += 1
            line_sizes.append(len(line) + 1)
            if record["type"] == "progress":
                kinds[str(record.get("data", {}).get("type"))] += 1
            for block in _blocks(record):
                if block.get("type") == "tool_result":
                    results += 1
                    errors += bool(block.get("is_error"))
    count = sum(types.values())
    if not count:
        raise ValueError(f"no transcript records below {', '.join(map(str, folders))}")
    return {
        "files": len(file_sizes),
        "records": count,
        "bytes": sum(file_sizes),
        "mix": {kind: round(number / count, 4) for kind, number in types.most_common()},
        "progress_mix": {kind: round(number / count, 4) for kind, number in kinds.most_common()},
        "error_share": round(errors / max(1, results), 4),
        "record_bytes": _quantiles(line_sizes),
        "file_bytes": _quantiles(file_sizes),
        "zstd_ratio": round(sum(file_sizes) / compressed, 3),
    }


def _blocks(record: dict[str, Any]) -> list[dict[str, Any]]:
    message = record.get("message")
    content = message.get("content") if isinstance(message, dict) else None
    return [block for block in content if isinstance(block, dict)] if isinstance(content, list) else []


def main() -> int:
    """Print the profile of the folders given."""
    parser = argparse.ArgumentParser("simtown.profile", description="Measure folders of transcripts.")
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--names", default="", help="what the folders are, for the record")
    given = parser.parse_args()
    profile: dict[str, Any] = {"sets": [name for name in given.names.split(",") if name]}
    profile.update(measure(given.folders))
    sys.stdout.buffer.write(orjson.dumps(profile, option=orjson.OPT_INDENT_2) + b"\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())

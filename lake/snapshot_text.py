"""What `forge snapshot …` says."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from lake.exit_codes import ExitCode
from lake.snapshot_create import Order, create_snapshot, drop_snapshot
from lake.snapshot_diff import Difference, difference
from lake.snapshot_fetch import FolderSource, HttpSource, Source
from lake.snapshot_layout import MANIFEST, Format
from lake.snapshot_manifest import Manifest, parse_manifest
from lake.snapshot_pull import Form, pull, read_pin, record_pull, write_pin
from lake.snapshot_source import Wanted
from lake.snapshot_verify import verify
from lake.snapshots import Found, all_snapshots, find_snapshot, withdrawn
from lake.tell import Told, complain, say


def title(manifest: Manifest) -> str:
    """How a snapshot is named to people: it can be typed again."""
    return f"{manifest.name}/{manifest.short_id}"


def tell_create(
    lake: Path,
    name: str,
    *,
    release: str | None,
    roles: list[str] | None,
    startups: list[str] | None,
    formats: tuple[Format, ...],
    tokenizer: Path | None,
    max_tokens: int | None,
) -> None:
    """Create a snapshot and say what is in it."""
    wanted = Wanted(
        tuple(sorted(set(roles))) if roles else None,
        tuple(sorted(set(startups))) if startups else None,
        formats,
    )
    created = create_snapshot(lake, Order(name, wanted, tokenizer, max_tokens), release)
    say(f"{'created' if created.is_new else 'unchanged'}  {title(created.manifest)}")
    say(f"folder     {created.folder}")
    for line in _mix(created.manifest):
        say(line)


def _mix(manifest: Manifest) -> list[str]:
    by_split: dict[str, list[int]] = {}
    for file in manifest.files:
        sums = by_split.setdefault(file.part.split, [0, 0])
        sums[0] += file.rows
        sums[1] += file.token_count
    lines = [f"release    {manifest.release.get('release_id')}, data up to {manifest.release.get('as_of')}"]
    lines += [f"{split:<13}  {rows:>9,} rows  {tokens:>13,} tokens" for split, (rows, tokens) in sorted(by_split.items())]
    return lines


def _state(found: Found, reasons: dict[str, str]) -> str:
    words = []
    if reason := reasons.get(found.manifest.id):
        words.append(f"WITHDRAWN: {reason}")
    if found.erased_rows:
        words.append(f"{found.erased_rows:,} rows erased")
    return "; ".join(words) or "ok"


def tell_list(lake: Path, *, as_json: bool) -> None:
    """One line per snapshot."""
    reasons = withdrawn(lake)
    known = list(all_snapshots(lake))
    if as_json:
        say(json.dumps([_summary(found, reasons) for found in known], indent=1))
        return
    if not known:
        say("no snapshots yet: forge snapshot create NAME")
        return
    width = max(len(title(found.manifest)) for found in known)
    for found in known:
        manifest = found.manifest
        tokens = sum(file.token_count for file in manifest.files)
        say(
            f"{title(manifest):<{width}}  {manifest.created_at[:16].replace('T', ' ')}  "
            f"release {manifest.release.get('release_id')}  {manifest.rows:>9,} rows  {tokens:>13,} tokens  "
            f"{_state(found, reasons)}"
        )


def _summary(found: Found, reasons: dict[str, str]) -> dict[str, Any]:
    manifest = found.manifest
    return {
        "name": manifest.name,
        "id": manifest.id,
        "folder": str(found.folder),
        "created_at": manifest.created_at,
        "release_id": manifest.release.get("release_id"),
        "rows": manifest.rows,
        "token_count": sum(file.token_count for file in manifest.files),
        "erased_rows": found.erased_rows,
        "withdrawn": reasons.get(manifest.id),
    }


def tell_show(lake: Path, text: str, *, as_json: bool) -> None:
    """All about one snapshot."""
    found = find_snapshot(lake, text)
    manifest, reasons = found.manifest, withdrawn(lake)
    if as_json:
        say(json.dumps(_summary(found, reasons) | {"manifest": asdict(manifest)}, indent=1))
        return
    say(f"{manifest.name}  {manifest.id}")
    say(f"folder     {found.folder}")
    say(f"created    {manifest.created_at}")
    say(f"state      {_state(found, reasons)}")
    for line in _mix(manifest):
        say(line)
    say(f"tokenizer  {str(manifest.tokenizer.get('hash'))[:12]}, examples up to {manifest.tokenizer.get('max_tokens')} tokens")
    say("")
    width = max(len(file.part.path) for file in manifest.files)
    for file in manifest.files:
        say(f"{file.part.path:<{width}}  {file.rows:>9,} rows  {file.token_count:>12,} tokens  {file.bytes:>12,} bytes")
    for name, words in (("episodes", "episodes looked at"), ("left_out", "examples of kept episodes that are not in")):
        if counts := manifest.counts.get(name):
            say("")
            say(words)
            for reason, number in counts.items():
                say(f"  {number:>9,}  {reason}")


def tell_diff(lake: Path, before: str, after: str, *, as_json: bool) -> None:
    """What came, went and changed, by reason."""
    found = difference(find_snapshot(lake, before).folder, find_snapshot(lake, after).folder)
    if as_json:
        say(json.dumps(_diff_as_json(found), indent=1))
        return
    say(f"{title(found.before)} -> {title(found.after)}")
    for change, reasons in found.counts().items():
        say(f"{change:<10} {sum(reasons.values()):>9,}")
        for reason, number in reasons.items():
            say(f"  {number:>9,}  {reason}")
    say(f"{'unchanged':<10} {found.unchanged:>9,}")


def _diff_as_json(found: Difference) -> dict[str, Any]:
    rows = [asdict(change) | {"key": change.key._asdict()} for change in found.changes]
    return {
        "before": {"name": found.before.name, "id": found.before.id},
        "after": {"name": found.after.name, "id": found.after.id},
        "unchanged": found.unchanged,
        "counts": found.counts(),
        "rows": rows,
    }


def tell_pull(lake: Path, source: str | None, folder: Path | None, *, form: Form, lock: Path | None, locked: Path | None) -> None:
    """Pull a snapshot and say where it is."""
    is_place = source is not None and ("://" in source or (Path(source).expanduser() / MANIFEST).is_file())
    pin = None
    if locked is not None:
        pin = read_pin(locked, None if source is None or is_place else source.partition("/")[0])
        if pin is None:
            raise Told(f"{locked} pins no such snapshot: pull it with --lock {locked} first")
    if source is not None and (is_place or pin is None):
        asked = source
    elif pin is not None:
        asked = f"{pin[0]}/{pin[1]}"
    else:
        raise Told("name a snapshot, a folder or an address to pull from, or a lock file with --locked", ExitCode.USAGE)
    place: Source
    if "://" in asked:
        place = HttpSource(asked)
    else:
        place = FolderSource(find_snapshot(lake, asked).folder, "folder" if is_place else "lake")
    target = folder or Path("-".join(title(parse_manifest(place.read(MANIFEST), place.place)).split("/")))
    pulled = pull(place, target, form=form, expected_id=pin[1] if pin else None, tell=say)
    record_pull(lake, place, pulled, form)
    if lock is not None:
        write_pin(lock, pulled.manifest)
    say(f"{'pulled' if pulled.is_new else 'unchanged'}  {title(pulled.manifest)}  {pulled.manifest.rows:,} rows, verified")
    say(f"folder  {pulled.folder}")


def tell_verify(lake: Path, text: str) -> ExitCode:
    """Prove a snapshot's rows and say what is wrong."""
    found = find_snapshot(lake, text)
    result = verify(found.folder, found.manifest)
    for problem in result.problems:
        complain(problem)
    if result.problem_count > len(result.problems):
        complain(f"and {result.problem_count - len(result.problems):,} more")
    erased = f", {result.erased:,} erased" if result.erased else ""
    if not result.is_whole:
        say(f"DAMAGED  {title(found.manifest)}  {result.rows:,} rows proved{erased}, {result.problem_count:,} problems")
        return ExitCode.FAILED
    say(f"ok  {title(found.manifest)}  {result.rows:,} rows proved{erased}")
    return ExitCode.OK


def tell_drop(lake: Path, text: str) -> None:
    """Drop a snapshot's files."""
    found = find_snapshot(lake, text)
    if "/" not in text:
        raise Told(f"drop it by name and id: forge snapshot drop {title(found.manifest)}", ExitCode.USAGE)
    drop_snapshot(lake, found)
    say(f"dropped  {title(found.manifest)}; what it offered for training is still known")


def tell_publish(lake: Path, text: str, repository: str, *, public: bool, endpoint: str | None, token: str | None) -> None:
    """Publish a snapshot to a hub."""
    from huggingface_hub.errors import HfHubHTTPError

    from lake.snapshot_publish import publish

    try:
        done = publish(lake, find_snapshot(lake, text), repository, public=public, endpoint=endpoint, token=token)
    except HfHubHTTPError as error:
        raise Told(f"the hub refuses: {error}") from error
    say(f"published  {done.repository}, tag {done.tag}")
    say(f"address    {done.url}")

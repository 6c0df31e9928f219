"""A snapshot as a dataset on a Hugging Face hub: its files in one commit, and a tag with its id."""

from dataclasses import dataclass
from pathlib import Path

from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi

from lake.snapshot_layout import ERASED, EXCLUDED, MANIFEST
from lake.snapshot_manifest import Manifest
from lake.snapshot_tables import recorded, write_event
from lake.snapshot_verify import verify
from lake.snapshots import Found, withdrawn
from lake.tell import Told

# Says which startups refused: of no use to those who train, and nobody else's business.
_KEPT_BACK = {EXCLUDED}
# The hub's own file, which the first commit of a repository brings.
_OF_THE_HUB = {".gitattributes"}


@dataclass(frozen=True)
class Published:
    """Where it is. `revision`: the commit. `url`: for people, without a secret."""

    repository: str
    tag: str
    revision: str
    url: str


def tag_of(manifest: Manifest) -> str:
    """The tag of a snapshot in its repository: name and the beginning of its id."""
    return f"{manifest.name}-{manifest.short_id}"


def publish(
    lake: Path, found: Found, repository: str, *, public: bool = False, endpoint: str | None = None, token: str | None = None
) -> Published:
    """Publish a snapshot. The repository then holds exactly its files; earlier ones stay under their tags.

    `repository`: `owner/name`, made when it does not exist, private unless `public`. `endpoint`: another hub than huggingface.co.
    Errors: `Told` when it is withdrawn, is damaged, or has data of single startups and shall be public;
    `huggingface_hub.errors.HfHubHTTPError` when the hub refuses.
    """
    manifest = found.manifest
    if reason := withdrawn(lake).get(manifest.id):
        raise Told(f"{manifest.name}/{manifest.short_id} is withdrawn ({reason}): it is not published")
    if public and (names := sorted({file.part.startup for file in manifest.files if file.part.startup})):
        raise Told(f"{manifest.name}/{manifest.short_id} holds overlays of {', '.join(names)}: publish it without --public")
    verification = verify(found.folder, manifest)
    if not verification.is_whole:
        raise Told(f"{found.folder} is damaged, nothing is published: {verification.problems[0]}")
    api = HfApi(endpoint=endpoint, token=token)
    url = api.create_repo(repository, repo_type="dataset", private=not public, exist_ok=True)
    paths = _paths(found)
    there = {file.rfilename for file in api.dataset_info(repository).siblings or ()} - _OF_THE_HUB
    operations: list[CommitOperationAdd | CommitOperationDelete] = [
        CommitOperationAdd(path, str(found.folder / path)) for path in paths
    ]
    operations += [CommitOperationDelete(path) for path in sorted(there - set(paths))]
    commit = api.create_commit(
        repository, operations, commit_message=f"{manifest.name} {manifest.id}", repo_type="dataset", num_threads=2
    )
    tag = tag_of(manifest)
    api.create_tag(repository, tag=tag, revision=commit.oid, repo_type="dataset", exist_ok=True)
    _record(lake, manifest, f"{repository}@{tag}")
    return Published(repository, tag, str(commit.oid), str(url))


def _paths(found: Found) -> list[str]:
    """The files that are published, the manifest last."""
    listed = [path for path in found.manifest.paths if path not in _KEPT_BACK]
    return [*listed, *([ERASED] if found.erased_rows else []), MANIFEST]


def _record(lake: Path, manifest: Manifest, place: str) -> None:
    for snapshot in recorded(lake):
        if (snapshot.snapshot_name, snapshot.snapshot_id) == (manifest.name, manifest.id):
            write_event(lake, manifest.name, manifest.id, snapshot.sequence, "published", detail=place)

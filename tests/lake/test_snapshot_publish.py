"""Publishing snapshots, against a stand-in of a hub's HTTP API on loopback."""

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest
import yaml
from deltalake import write_deltalake
from huggingface_hub.errors import HfHubHTTPError
from typer.testing import CliRunner

from bench.snapshot_lake import publish_tables
from forge import app
from lake.location import model_path
from lake.releases import Release, find_release, write_release
from lake.snapshot_create import Created, Order, create_snapshot
from lake.snapshot_erase import erase_rows
from lake.snapshot_manifest import read_manifest
from lake.snapshot_publish import publish
from lake.snapshot_source import Wanted
from lake.snapshot_tables import recorded
from lake.snapshot_verify import verify
from lake.snapshots import WITHDRAWN, in_folder
from lake.tell import Told
from tests.hub_server import TOKEN, HubServer, hub_server
from tests.lake.test_snapshot_create import placed, tables

REPOSITORY = "towns/pool"
pytestmark = pytest.mark.slow


@pytest.fixture
def hub() -> Iterator[HubServer]:
    with hub_server() as running:
        yield running


def created(lake: Path, rows: list[dict[str, object]] | None = None, **given: Wanted) -> Created:
    publish_tables(lake, tables(rows or [placed(1), placed(2, split="eval"), placed(3, excluded_reason="not_shared")]))
    return create_snapshot(lake, Order("pool", **given))


def published(lake: Path, made: Created, hub: HubServer, **given: bool) -> dict[str, bytes]:
    """Publish, and give what the hub then has under the tag."""
    done = publish(lake, in_folder(made.folder), REPOSITORY, endpoint=hub.url, token=TOKEN, **given)
    assert done.tag == f"pool-{made.manifest.short_id}"
    return hub.repositories["datasets", REPOSITORY].files(done.tag)


def test_what_the_hub_has_is_the_snapshot_and_can_be_proved(lake: Path, hub: HubServer, tmp_path: Path) -> None:
    made = created(lake)
    files = published(lake, made, hub)
    for name, content in files.items():
        path = tmp_path / "copy" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    assert read_manifest(tmp_path / "copy").id == made.manifest.id
    assert verify(tmp_path / "copy").rows == 2
    assert hub.repositories["datasets", REPOSITORY].private
    assert recorded(lake)[0].events == ("created", "published")


def test_the_card_names_each_config_and_its_files(lake: Path, hub: HubServer) -> None:
    files = published(lake, created(lake), hub)
    header = yaml.safe_load(files["README.md"].decode().split("---")[1])
    (config,) = header["configs"]
    assert config["config_name"] == "base-polecat-sft"
    assert {each["split"]: each["path"] for each in config["data_files"]} == {
        "train": "data/base/polecat/sft/train.parquet",
        "eval": "data/base/polecat/sft/eval.parquet",
    }
    assert all(each["path"] in files for each in config["data_files"])


def test_who_refused_is_not_published(lake: Path, hub: HubServer) -> None:
    files = published(lake, created(lake), hub)
    assert "excluded.parquet" not in files
    assert not any(b"gamma" in content for content in files.values())


def test_a_later_snapshot_takes_the_place_and_the_earlier_one_keeps_its_tag(lake: Path, hub: HubServer) -> None:
    first = created(lake)
    before = published(lake, first, hub)
    second = created(lake, [placed(1)])
    after = published(lake, second, hub)
    assert set(before) - set(after) == {"data/base/polecat/sft/eval.parquet"}
    repository = hub.repositories["datasets", REPOSITORY]
    assert repository.files(f"pool-{first.manifest.short_id}") == before
    assert repository.files() == after


def test_erased_rows_are_not_published_and_known_as_erased(lake: Path, hub: HubServer) -> None:
    made = created(lake, [placed(1), placed(2)])
    erase_rows(made.folder, {"x1"}, "asked for")
    files = published(lake, made, hub)
    assert b'"x1"' in files["erased.json"]


def test_overlays_are_never_public(lake: Path, hub: HubServer) -> None:
    made = created(lake, [placed(1), placed(1, scope="overlay")])
    with pytest.raises(Told, match="overlays of alpha"):
        published(lake, made, hub, public=True)
    assert hub.requests == []


def test_what_is_damaged_is_not_published(lake: Path, hub: HubServer) -> None:
    made = created(lake)
    (made.folder / "data/base/polecat/sft/train.parquet").unlink()
    with pytest.raises(Told, match="nothing is published"):
        published(lake, made, hub)
    assert hub.requests == []


def withdraw(lake: Path, made: Created) -> Release:
    """The newest release says that consent to rows of the snapshot is gone."""
    columns = {"snapshot_id": [made.manifest.id] * 2, "reason": ["no_consent", "other_startup"], "example_count": [2, 1]}
    table = pa.table(columns)
    write_deltalake(str(model_path(lake, WITHDRAWN)), table)
    last = find_release(lake)
    release = Release(
        **{**vars(last), "release_id": "f" * 16, "sequence": last.sequence + 1, "models": {**last.models, WITHDRAWN: 0}}
    )
    write_release(lake, release)
    return release


def test_a_withdrawn_snapshot_is_told_and_not_published(lake: Path, hub: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    made = created(lake)
    withdraw(lake, made)
    with pytest.raises(Told, match="is withdrawn"):
        published(lake, made, hub)
    monkeypatch.setenv("FORGE_LAKE", str(lake))
    for command in (["list"], ["show", "pool"]):
        assert (
            "WITHDRAWN: 2 examples no_consent, 1 examples other_startup" in CliRunner().invoke(app, ["snapshot", *command]).output
        )


def test_a_hub_that_refuses_is_told_and_nothing_recorded(lake: Path, hub: HubServer) -> None:
    made = created(lake)
    hub.refuse = 403
    with pytest.raises(HfHubHTTPError):
        published(lake, made, hub)
    assert recorded(lake)[0].events == ("created",)

"""Promises of publishing adapters, against a stand-in of a hub's HTTP API on loopback."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from huggingface_hub.errors import HfHubHTTPError

from lake.snapshot_tables import Member, write_members
from tests.hub_server import TOKEN, HubServer, hub_server
from tests.training.adapters import adapter
from tests.training.evaluations import RULES, evaluations
from training.adapter_hub import publish_adapter
from training.adapter_table import Adapter
from training.evaluation_table import write_evaluations
from training.promotion import decide
from training.registry import Registry, RegistryError, register, taint

REPOSITORY = "towns/mayor-base"


@pytest.fixture
def hub() -> Iterator[HubServer]:
    with hub_server() as running:
        yield running


def trained(
    lake: Path, adapter_id: str = "b1", target: str = "base/mayor", *, learn: str = "shared", parent: str | None = None
) -> Adapter:
    """A registered adapter with files as Axolotl leaves them."""
    folder = lake / "train/adapters" / adapter_id
    (folder / "checkpoint-9").mkdir(parents=True)
    (folder / "adapter_config.json").write_text(json.dumps({"base_model_name_or_path": "/home/somebody/models/tiny", "r": 32}))
    (folder / "adapter_model.safetensors").write_bytes(b"weights " * 1000)
    (folder / "tokenizer.json").write_text("{}")
    (folder / "README.md").write_text("made from /home/somebody/config.yaml")
    (folder / "checkpoint-9/optimizer.pt").write_bytes(b"state")
    made = replace(adapter(adapter_id, target, learn=learn, parent=parent), local_path=f"train/adapters/{adapter_id}")
    register(lake, made)
    return made


def test_files_and_card_are_one_commit_with_a_tag_and_the_registry_knows_the_place(lake: Path, hub: HubServer) -> None:
    trained(lake)
    published = publish_adapter(lake, "b1", REPOSITORY, endpoint=hub.url, token=TOKEN)
    repository = hub.repositories["models", REPOSITORY]
    assert repository.private
    assert list(repository.commits) == [published.hub_revision] == [repository.tags["b1"]]
    files = repository.files("b1")
    assert sorted(files) == ["README.md", "adapter_config.json", "adapter_model.safetensors", "tokenizer.json"]
    assert files["adapter_model.safetensors"] == b"weights " * 1000
    assert json.loads(files["adapter_config.json"])["base_model_name_or_path"] == "tiny"
    assert not any(b"/home/" in content for content in files.values())
    assert Registry.read(lake).adapters["b1"] == published
    assert published.status == "candidate"


def test_the_card_tells_consent_judgement_and_parents(lake: Path, hub: HubServer) -> None:
    trained(lake)
    trained(lake, "o1", "overlay/mill/mayor", learn="own", parent="b1")
    write_members(lake, "autumn", "5" * 16, [Member("x", "y", "z", "train", "base", "mill", "mayor")])
    own = {"scope": "overlay", "startup": "mill"}
    for subject, loss in (("o1", 1.0), ("b1", 1.5), ("model:tiny", 2.0)):
        write_evaluations(lake, evaluations(subject, [loss] * 25, **own))
    decide(lake, "o1", RULES)
    publish_adapter(lake, "o1", "towns/mill-mayor", endpoint=hub.url, token=TOKEN)
    card = hub.repositories["models", "towns/mill-mayor"].files()["README.md"].decode()
    assert card.startswith("---\nlibrary_name: peft\nbase_model: tiny\n")
    assert "keeps to itself (`learn: own`)" in card
    assert "| model tiny | 1.0000 | 2.0000 | -1.0000 (-1.0000 to -1.0000) | +0.0000 |" in card
    assert "- `b1` of base/mayor" in card


def test_publishing_the_same_again_keeps_one_tag_and_goes_through(lake: Path, hub: HubServer) -> None:
    trained(lake)
    first = publish_adapter(lake, "b1", REPOSITORY, endpoint=hub.url, token=TOKEN)
    again = publish_adapter(lake, "b1", REPOSITORY, endpoint=hub.url, token=TOKEN)
    repository = hub.repositories["models", REPOSITORY]
    assert repository.tags == {"b1": first.hub_revision}
    assert again == first
    assert len(repository.commits) == 1


def test_what_may_not_go_out_stays(lake: Path, hub: HubServer) -> None:
    trained(lake, "b1", learn="own")
    trained(lake, "o1", "overlay/mill/mayor", parent="b1")
    for name in ("b1", "o1"):
        with pytest.raises(RegistryError, match="not shared: publish it without --public"):
            publish_adapter(lake, name, REPOSITORY, public=True, endpoint=hub.url, token=TOKEN)
    taint(lake, "b1", "forgotten")
    with pytest.raises(RegistryError, match="tainted"):
        publish_adapter(lake, "o1", REPOSITORY, endpoint=hub.url, token=TOKEN)
    register(lake, replace(adapter("i1", "base/polecat"), local_path=None))
    with pytest.raises(RegistryError, match="has no files here"):
        publish_adapter(lake, "i1", REPOSITORY, endpoint=hub.url, token=TOKEN)
    assert hub.requests == []


def test_a_hub_that_refuses_leaves_the_registry_as_it_was(lake: Path, hub: HubServer) -> None:
    made = trained(lake)
    with pytest.raises(HfHubHTTPError, match="401"):
        publish_adapter(lake, "b1", REPOSITORY, endpoint=hub.url, token="wrong")
    assert Registry.read(lake).adapters["b1"] == made

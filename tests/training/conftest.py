"""What tests of training stand on: the training environment where it is installed."""

import shutil
from pathlib import Path

import pytest

from lake.tell import Told
from tests.conftest import missing
from training.model import make_model
from training.train_env import train_python


@pytest.fixture(scope="session")
def train_env(own_home: Path) -> Path:
    """The Python of the training environment."""
    try:
        return train_python()
    except Told as problem:
        missing(f"no training environment ({problem}; `make train-env` installs it)")
        raise


@pytest.fixture(scope="session")
def tiny_model(train_env: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny random model over the tree's tokenizer. Made once; nobody writes into it."""
    folder = tmp_path_factory.mktemp("model") / "tiny"
    make_model(folder.parent, tiny=True, small=False, folder=folder, tokenizer=None, seed=0)
    shutil.rmtree(folder.parent / "train", ignore_errors=True)
    return folder

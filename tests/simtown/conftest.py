"""Worlds that the tests of this folder share."""

from pathlib import Path

import pytest

from simtown import Truth, generate


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Truth]:
    """The demo world and its ground truth."""
    out = tmp_path_factory.mktemp("demo")
    return out, generate(out, size="demo")


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Truth]:
    """The small world and its ground truth."""
    out = tmp_path_factory.mktemp("small")
    return out, generate(out, size="small")

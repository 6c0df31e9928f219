"""A generated world looks like the real sets that `profile.json` was measured on."""

from pathlib import Path
from typing import Any

import orjson
import pytest

from simtown import generate
from simtown.profile import CHECKED_IN, measure

Profile = dict[str, Any]


@pytest.fixture(scope="module")
def real() -> Profile:
    profile: Profile = orjson.loads(CHECKED_IN.read_bytes())
    return profile


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Profile:
    """60 MB, about 140 files: smaller worlds have too few large files for their upper quantiles to mean anything."""
    out = tmp_path_factory.mktemp("bench")
    generate(out, size="60MB")
    return measure(sorted(out.glob("*/home")))


def test_record_mix_agrees_within_five_points(real: Profile, bench: Profile) -> None:
    for kind in {*real["mix"], *bench["mix"]}:
        assert abs(real["mix"].get(kind, 0) - bench["mix"].get(kind, 0)) <= 0.05, kind


def test_progress_mix_agrees_within_five_points(real: Profile, bench: Profile) -> None:
    for kind in {*real["progress_mix"], *bench["progress_mix"]}:
        assert abs(real["progress_mix"].get(kind, 0) - bench["progress_mix"].get(kind, 0)) <= 0.05, kind


def test_error_share_agrees_within_five_points(real: Profile, bench: Profile) -> None:
    assert abs(real["error_share"] - bench["error_share"]) <= 0.05


@pytest.mark.parametrize("what", ["record_bytes", "file_bytes"])
def test_size_quantiles_agree_within_a_factor_of_one_and_a_half(real: Profile, bench: Profile, what: str) -> None:
    for share, size in real[what].items():
        assert 1 / 1.5 <= bench[what][share] / size <= 1.5, share


def test_zstd_ratio_agrees_within_a_fifth(real: Profile, bench: Profile) -> None:
    assert 0.8 <= bench["zstd_ratio"] / real["zstd_ratio"] <= 1.2


def test_the_toy_worlds_keep_the_error_share_and_the_common_record_sizes(real: Profile, demo: tuple[Path, object]) -> None:
    """Demo sessions are small on purpose: file sizes, their compression and the share of hook records do not apply to them."""
    toy = measure(sorted(demo[0].glob("*/home")))
    assert abs(real["error_share"] - toy["error_share"]) <= 0.05
    for share in ("0.1", "0.25", "0.5", "0.75"):
        assert 1 / 1.5 <= toy["record_bytes"][share] / real["record_bytes"][share] <= 1.5, share


def test_the_checked_in_profile_is_what_the_real_sets_give(real: Profile, real_data: Path) -> None:
    names = real.pop("sets")
    assert measure([real_data / name / "claude" for name in names]) == real

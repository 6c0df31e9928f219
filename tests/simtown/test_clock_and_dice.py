"""Times and chance, computed without time zone data, libm or hash order."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simtown.clock import at, local_minute, millis, seconds
from simtown.dice import Deck, Dice, between, halton, weighted


@given(st.datetimes(min_value=datetime(1972, 1, 1), max_value=datetime(2099, 12, 31)))
def test_times_are_spelled_as_datetime_spells_them(moment: datetime) -> None:
    ms = at(moment.year, moment.month, moment.day, moment.hour, moment.minute) + moment.second * 1000 + moment.microsecond // 1000
    exact = moment.replace(tzinfo=UTC)
    assert millis(ms) == exact.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    assert seconds(ms) == exact.isoformat(timespec="seconds").replace("+00:00", "Z")
    assert local_minute(ms, -8) == f"{moment - timedelta(hours=8):%Y-%m-%dT%H:%M}"


def test_the_same_seed_rolls_the_same_dice() -> None:
    assert Dice("a").uuid() == Dice("a").uuid() != Dice("b").uuid()
    assert Dice("a").uuid()[14] == "4"


def test_a_deck_deals_every_card_as_often_as_its_weight_says() -> None:
    deck = Deck(Dice("deck"), weighted({"common": 3, "rare": 1}))
    assert sorted(deck.deal() for _ in range(8)) == ["common"] * 6 + ["rare"] * 2


def test_few_points_cover_a_distribution_evenly() -> None:
    assert sorted(int(halton(number) * 8) for number in range(7)) == [1, 2, 3, 4, 5, 6, 7]


@pytest.mark.parametrize(("position", "value"), [(0.0, 10.0), (0.25, 15.0), (0.5, 20.0), (0.75, 60.0)])
def test_quantile_tables_are_interpolated(position: float, value: float) -> None:
    assert between((10.0, 20.0, 100.0), position) == value

"""Groups are followed in a fixed number of rounds: long chains are, and one that is too long is seen and fails the build."""

import itertools
import random
import re

import duckdb
import jinja2
import pytest

from tests.dbt.projects import REAL

MODEL = REAL / "models/intermediate/groups/int_group_nodes.sql"
TEST = REAL / "tests/groups/assert_every_group_was_followed_to_its_end.sql"


def labels_of(edges: list[tuple[int, int]]) -> duckdb.DuckDBPyConnection:
    """A database whose table `nodes` has the label of each node, found by the macro in as many rounds as the model gives it."""
    found = re.search(r"smallest_labels\('edges', (\d+)\)", MODEL.read_text())
    assert found is not None
    macro = (REAL / "macros/sessions.sql").read_text()
    ctes = jinja2.Template(macro + f"{{{{ smallest_labels('edges', {found[1]}) }}}}").render()
    connection = duckdb.connect()
    connection.execute("create table edges (node bigint, neighbour bigint)")
    connection.execute(
        "insert into edges select unnest(?), unnest(?)",
        [[a for a, _ in edges] + [b for _, b in edges], [b for _, b in edges] + [a for a, _ in edges]],
    )
    connection.execute(f"create table nodes as with {ctes} select node, label as component, is_converged from labels")
    return connection


def not_followed(connection: duckdb.DuckDBPyConnection) -> int:
    """Rows of the build's test."""
    sql = TEST.read_text().replace("{{ written(ref('int_group_nodes')) }}", "nodes")
    sql = re.sub(r"\{\{ touched_rows\(.*\) \}\}", "true", sql)
    return len(connection.execute(sql).fetchall())


def chain(names: list[int]) -> list[tuple[int, int]]:
    return list(itertools.pairwise(names))


@pytest.mark.parametrize("order", ["ascending", "shuffled", "from both ends", "zigzag"])
def test_a_chain_of_8000_nodes_is_one_component(order: str) -> None:
    names = list(range(8_000))
    if order == "shuffled":
        random.Random(3).shuffle(names)
    elif order == "from both ends":
        names = [name if name % 2 == 0 else 16_000 - name for name in names]
    elif order == "zigzag":
        names = [name + 8_000 * (name % 2) for name in names]
    connection = labels_of(chain(names))
    assert connection.execute("select count(distinct component) from nodes").fetchone() == (1,)
    assert not_followed(connection) == 0


def halving(bits: int) -> list[int]:
    """2^bits nodes in the worst order: every second one is smaller than its neighbours, and again every second one of those."""
    return [int(format(place, f"0{bits}b")[::-1], 2) for place in range(2**bits)]


def test_in_the_worst_order_a_chain_of_4000_nodes_is_followed_and_a_longer_one_fails_the_build() -> None:
    assert not_followed(labels_of(chain(halving(12)))) == 0
    assert not_followed(labels_of(chain(halving(14)))) > 0


def test_two_components_stay_two() -> None:
    connection = labels_of([(1, 5), (5, 3), (2, 9), (4, 4)])
    rows = connection.execute("select node, component from nodes order by node").fetchall()
    assert rows == [(1, 1), (2, 2), (3, 1), (4, 4), (5, 1), (9, 2)]
    assert not_followed(connection) == 0

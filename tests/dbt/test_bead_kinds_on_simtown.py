"""Mails, convoys, gates, molecules and escalations of synthetic towns, against what the generator knows of them."""

import pytest

from tests.dbt.conftest import TownsLake

pytestmark = pytest.mark.slow

KINDS = {"mail": ("fct_mail", "mail_id", "is_archived"), "convoy": ("fct_convoys", "convoy_id", "status = 'closed'"),
         "gate": ("fct_gates", "gate_id", "status = 'closed'"), "molecule": ("fct_molecules", "molecule_id", "end_kind <> 'open'"),
         "escalation": ("fct_escalations", "escalation_id", "status = 'closed'")}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_every_bead_of_the_kind_is_in_its_table_open_or_closed(towns_lake: TownsLake, kind: str) -> None:
    model, key, closed = KINDS[kind]
    known = {
        (row["beads_project_id"], row["bead_id"]): row["status"] == "closed"
        for row in towns_lake.truth.rows("beads")
        if row["kind"] == kind
    }
    found = {(project, bead): is_closed for project, bead, is_closed in towns_lake.rows(
        f"select beads_project_id, {key}, {closed} from {model}"
    )}  # fmt: skip
    assert known
    assert found == known


def test_every_bead_of_another_database_that_a_convoy_tracks_is_found_there(towns_lake: TownsLake) -> None:
    held = {(row["beads_project_id"], row["bead_id"]) for row in towns_lake.truth.rows("beads")}
    tracked = towns_lake.rows("select tracked_beads_project_id, tracked_bead_id, is_external from bridge_convoy_bead")
    assert [row for row in tracked if (row[0], row[1]) not in held or not row[2]] == []
    assert towns_lake.rows(
        "select count(*) from fct_convoys where tracked_bead_count = 0 or known_bead_count < tracked_bead_count"
    ) == [(0,)]


def test_mails_of_the_protocol_name_who_sent_them_and_their_bead(towns_lake: TownsLake) -> None:
    beads = {row["bead_id"] for row in towns_lake.truth.rows("beads")}
    recovered = towns_lake.rows(
        "select sender_address, recipient_address, about_bead_id from fct_mail where protocol = 'RECOVERED_BEAD'"
    )
    assert recovered
    assert {(sender.split("/")[1], recipient) for sender, recipient, _ in recovered} == {("witness", "mayor")}
    assert [bead for *_, bead in recovered if bead not in beads] == []


def test_every_molecule_hangs_on_the_work_it_was_made_for(towns_lake: TownsLake) -> None:
    work = {(row["beads_project_id"], row["bead_id"]) for row in towns_lake.truth.rows("beads") if row["kind"] == "work"}
    found = towns_lake.rows("select beads_project_id, work_bead_id from fct_molecules")
    assert [key for key in found if key not in work] == []


def test_escalations_are_answered_after_they_were_raised_and_before_they_were_closed(towns_lake: TownsLake) -> None:
    answered = towns_lake.rows(
        "select raised_at, acked_at, closed_at, acked_by_address from fct_escalations where acked_at is not null"
    )
    assert answered
    assert [row for row in answered if not row[0] <= row[1] <= row[2] or row[3] != "mayor"] == []

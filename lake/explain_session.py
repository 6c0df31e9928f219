"""A session's explanation as lines: who ran it, and for each episode its votes, link, outcome, evidence, components, score, and
whether it is learned from."""

from collections.abc import Iterator

from rich.text import Text

from lake.explain_text import at, head, line, number, said, short
from lake.explanation import Row


def session_lines(found: Row) -> Iterator[Text]:
    """The session of `lake.explanation.explain_session`, styled."""
    session = found["session"]
    yield head(
        f"session {session['session_id']}  {session.get('agent_address') or 'unknown agent'} of {session['town'] or 'unknown town'}"
    )
    source, confidence = session.get("identity_source"), session.get("identity_confidence")
    if source is None:
        yield line(f"nobody is known to have run it: {session.get('identity_reason') or 'no reason recorded'}")
    else:
        yield line(f"known by {source}, confidence {number(confidence)}")
    for vote in found["identity_votes"]:
        says = f"{vote['bridge']}: {vote['address'] or 'unreadable'}"
        yield _vote(
            says, vote["confidence"], vote["is_accepted"], vote["rejected_reason"], vote["evidence_kind"], vote["evidence_key"]
        )
    if not found["episodes"]:
        yield line("no episode: nobody answered in its main conversation")
    for item in found["episodes"]:
        yield Text()
        yield from episode_lines(item)


def episode_lines(item: Row) -> Iterator[Text]:
    """One episode: what it was, what it worked on, what became of it, and what that is worth."""
    episode = item["episode"]
    yield head(
        f"episode {episode['episode_number']} ({episode['kind']})  {at(episode['started_at'])}  "
        f"messages {episode['first_message_number']} to {episode['last_message_number']}, {episode['turn_count']} turns"
    )
    yield line(f"{episode['episode_key']}  from {episode['start_reason']} to {episode['end_reason']}", style="dim")
    yield from _link_lines(item)
    yield from _outcome_lines(item)
    yield from _score_lines(item)
    yield from _selection_lines(item)
    for label in item["labels"]:
        yield line(f"{label['labeller_kind']} {label['labeller']} says {label['verdict']}: {short(label['reason']) or 'no reason'}")


def _link_lines(item: Row) -> Iterator[Text]:
    link = item["link"] or {}
    if link.get("primary_bead_id"):
        yield line(f"bead {link['primary_bead_id']}, confidence {number(link['confidence'])}")
    else:
        yield line(f"no bead: {link.get('unlinked_reason') or 'no reason recorded'}")
    for bead in item["beads"]:
        if bead["link_kind"] != "primary":
            yield line(f"also {bead['bead_id']}, confidence {number(bead['confidence'])}")
    for vote in item["votes"]:
        refused = vote["refused_reason"]
        says = f"{vote['bridge']}: {vote['bead_id']}"
        yield _vote(says, vote["confidence"], refused is None, refused, vote["evidence_kind"], vote["evidence_key"])


def _vote(says: str, confidence: float | None, is_accepted: bool, refused: str | None, kind: str | None, key: str | None) -> Text:
    ending = f"confidence {number(confidence)}" if is_accepted else f"refused: {refused}"
    return line(f"vote {says}, {ending}  [{kind or 'no evidence'} {key or ''}]", depth=2, style="" if is_accepted else "dim")


def _outcome_lines(item: Row) -> Iterator[Text]:
    outcome = item["outcome"]
    if outcome is None:
        yield line("no outcome")
        return
    reason = outcome["no_outcome_reason"] or outcome["not_admitting_reason"]
    if reason == "outcome":  # the outcome itself is the reason, and stands there
        reason = None
    tier = f", by {outcome['evidence_tier']}" if outcome["evidence_tier"] else ""
    yield line(
        f"outcome {outcome['outcome']} ({outcome['outcome_class']}{tier}){f': {reason}' if reason else ''}", style="bold cyan"
    )
    facts = said(
        outcome, "settled_at", "attempt_count", "reopen_count", "conflict_count", "fix_needed_count", "has_autosaved_leftovers"
    )
    if facts:
        yield line(facts, depth=2)
    for row in item["evidence"]:
        yield line(
            f"{row['tier']} {row['kind']}  {at(row['occurred_at'])}  {short(row['says'])}  [{row['source']} {row['evidence_key']}]",
            depth=2,
            style="cyan" if row["is_deciding"] else "",
        )


def _score_lines(item: Row) -> Iterator[Text]:
    score = item["score"]
    if score is None:
        yield line("no score")
        return
    verdict = "let in" if score["is_gate_passed"] else "left out"
    reason = f", {score['gate_reason']}" if score["gate_reason"] else ""
    yield line(f"gate: {verdict}{reason}", style="bold green" if score["is_gate_passed"] else "bold red")
    mean = f"{number(score['raw_score'])} of its own and {number(score['role_mean_score'])} of its role"
    worth = f"score {number(score['rank_score'])}, from {mean}, confidence {number(score['confidence'])}"
    mature = f", mature from {at(score['mature_at'])}" if score["mature_at"] else ""
    yield line(f"{worth}, rules {score['rules_version']}{mature}", style="bold")
    for part in item["components"]:
        evidence = f"  [{part['evidence_source']} {part['evidence_id']}]" if part.get("evidence_source") else ""
        if part["value"] is None:
            yield line(f"{part['component']}: unknown, {part['null_reason']}", depth=2, style="dim")
        else:
            yield line(f"{part['component']}: {number(part['value'])} x {number(part['weight'])}{evidence}", depth=2)


def _selection_lines(item: Row) -> Iterator[Text]:
    """Whether snapshots take it, and for whom; or the one reason why not."""
    selection = item["selection"]
    if selection is None:
        yield line("no selection")
    elif selection["is_kept"]:
        startup = selection["startup"]
        whom = ["bases"] if selection["is_base_allowed"] else []
        whom += [f"overlays of {startup}"] if selection["is_overlay_allowed"] else []
        yield line(f"selection: kept for {' and '.join(whom)}, split {selection['split']}", style="bold green")
    else:
        detail = f" ({selection['excluded_detail']})" if selection["excluded_detail"] else ""
        reason = f"{selection['excluded_stage']}, {selection['excluded_reason']}{detail}"
        yield line(f"selection: left out by {reason}", style="bold red")

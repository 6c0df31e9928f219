"""Crew: a person's companion in its own clone. A request is an episode; the next human message says how it went."""

from simtown.beads import Bead
from simtown.clock import MINUTE
from simtown.dice import Deck
from simtown.families import follow_up
from simtown.injected import HUMAN_CORRECTION, HUMAN_PRAISE
from simtown.places import Agent, Rig
from simtown.town import Town, bead_row

OUTCOMES = {"accepted": 5, "corrected": 3, "no_verifiable_outcome": 1}
"""How a person takes the work, and how often (assumed)."""


def crew_day(town: Town, rig: Rig, start: int, deck: Deck[str], count: int) -> None:
    """A crew session of `count` requests, half of them about a bead of their own."""
    dice = town.dice
    session = town.open(Agent("crew", rig, dice.choice(rig.crew)), start, "overseer", "cold-start")
    address, work = session.agent.address, session.worker
    last_bead: str | None = None
    for number in range(count):
        episode = session.begin("request", rig.name)
        title = work.library.text.title(dice)
        session.script.user(f"{title}. {work.library.text.prose(dice, 90)}")
        bead = None
        if dice.chance(0.6):
            bead = Bead.create(town.exports[rig.name], session.now - MINUTE, address, title, assignee=address)
            if last_bead is not None:
                follow_up(town, bead, last_bead, session.now)
            last_bead = bead.id
            work.bash(f"bd update {bead.id} --status=in_progress", f"✓ Updated issue: {bead.id}")
            bead.change(session.now, address, status="in_progress")
            episode.bead, episode.beads_project = bead.id, bead.export.project_id
            episode.bridges |= {"command", "interval"}
        work.work()
        session.fill((number + 1) / count)
        outcome = deck.deal()
        if outcome != "no_verifiable_outcome":
            work.bash(f"git commit -am 'feat: {title.lower()}'", f"[main {dice.hexadecimal(7)}] feat: {title.lower()}")
        if bead is not None:
            work.bash(f"bd close {bead.id} --reason done", f"✓ Closed {bead.id}: done")
            bead.close(session.now, address, "done")
            if outcome == "corrected":
                bead.change(session.now + 4 * MINUTE, address, status="open")
            bead.done()
            town.truth.add("beads", town=town.place.name, **bead_row(bead, "work"))
        session.script.say(work.remark(), "end_turn")
        session.end(episode, outcome)
        session.script.idle(90 + dice.randrange(900))
        if outcome != "no_verifiable_outcome":
            session.script.user(dice.choice(HUMAN_PRAISE if outcome == "accepted" else HUMAN_CORRECTION))
            session.script.say(work.remark())
            session.end(episode)
    town.close(session)

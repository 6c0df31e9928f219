"""`forge explain`: why a session's work was judged as it was, or what became of a bead, with the evidence for each step."""

import json
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console
from rich.text import Text

from lake.duck import connect
from lake.explain_bead import bead_lines
from lake.explain_session import session_lines
from lake.explanation import explain_bead, explain_session, find_beads
from lake.tell import Told, say, width
from lake.transcript import NoSessionError, find_session


def explain(lake: Path, what: str, *, as_json: bool) -> None:
    """Explain the bead whose id is `what`, else the session whose id, or key, begins so.

    A bead's id may belong to several databases; all of them are explained. Errors: `Told` when there is neither, or several
    sessions begin so; `NoCatalogError`.
    """
    with connect(lake) as connection:
        found = [explain_bead(connection, bead) for bead in find_beads(connection, what)]
        if not found:
            try:
                session = find_session(connection, what)
            except NoSessionError as error:
                raise Told(
                    f"neither a bead '{what}' nor a session with an id that begins so; list them: "
                    'forge sql "from dim_beads", forge sql "from dim_sessions"'
                ) from error
            found = [explain_session(connection, session)]
    if as_json:
        for item in found:
            say(json.dumps(item, ensure_ascii=False, indent=1, default=str))
        return
    console = Console(width=width(), highlight=False, soft_wrap=False)
    for text in _lines(found):
        console.print(text, soft_wrap=True)  # keys stay whole, so that they can be copied


def _lines(found: list[dict[str, object]]) -> Iterator[Text]:
    for number, item in enumerate(found):
        if number:
            yield Text()
        yield from bead_lines(item) if "bead" in item else session_lines(item)

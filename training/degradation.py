"""Champions whose work got worse: `forge registry review` tells them and, when asked to, rolls them back."""

from pathlib import Path

from lake.duck import connect
from lake.exit_codes import ExitCode
from lake.tell import say
from training.registry import Registry, roll_back

_DEGRADED = """
    select adapter_id, role_family, accepted_share, accepted_share_high, other_accepted_share, other_accepted_share_low,
        accepted_count + rejected_count as judged_count
    from fct_adapter_outcomes
    where is_degraded
    order by adapter_id, role_family
"""


def review(lake: Path, *, apply: bool) -> ExitCode:
    """Print every champion that the newest release calls degraded, with the numbers; `apply`: roll each of them back.

    Returns FAILED when one is degraded and was left to serve, so that a scheduler notices.
    Errors: `NoCatalogError` without a release.
    """
    champions = {adapter.adapter_id: adapter for adapter in Registry.read(lake).adapters.values() if adapter.status == "champion"}
    with connect(lake) as connection:
        rows = connection.execute(_DEGRADED).fetchall()
    worse = {}
    for adapter_id, role, share, high, other_share, other_low, judged in rows:
        if adapter_id in champions and champions[adapter_id].role == role:
            worse[adapter_id] = (
                f"{share:.0%} of {judged} episodes accepted (at most {high:.0%}),"
                f" others {other_share:.0%} (at least {other_low:.0%})"
            )
    for adapter_id, numbers in worse.items():
        adapter = champions[adapter_id]
        say(f"{adapter.target}: {adapter_id} is worse than everybody else: {numbers}")
        if apply:
            before = roll_back(lake, adapter.startup, adapter.role, f"degraded: {numbers}")
            say(f"  rolled back; {before.adapter_id} serves again" if before else "  rolled back; nobody serves there now")
    if not worse:
        say(f"{len(champions)} champions, none of them worse than everybody else")
    return ExitCode.FAILED if worse and not apply else ExitCode.OK

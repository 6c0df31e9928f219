"""`forge train run` and `forge train runs`: from names to a run, and its rows for people."""

from pathlib import Path

from lake.exit_codes import ExitCode
from lake.tell import Told, say
from training.config_text import check_by_axolotl, resolve_named
from training.decision import PromotionRules
from training.model import cache_path
from training.promotion import decide
from training.promotion_rules import promotion_rules
from training.recipe import RECIPE, read_recipe
from training.registry import RegistryError
from training.run import train
from training.run_table import read_runs


def run_named(
    lake: Path,
    startup: str,
    role: str,
    snapshot: str,
    *,
    profile: str,
    model: str | None,
    parent: str | None,
    recipe: Path | None,
    reason: str,
) -> None:
    """Train what a command names. Errors: as `resolve_named` and `training.run.train`."""
    resolved = resolve_named(lake, startup, role, snapshot, profile=profile, model=model, parent=parent, recipe=recipe)
    if read_runs(lake).get(resolved.run_id, {}).get("status") != "done":
        check_by_axolotl(resolved, cache_path(lake))
    train(lake, resolved, read_recipe((recipe or RECIPE).expanduser().absolute()).evaluation, reason)


def tell_runs(lake: Path) -> None:
    """One line for each run, the oldest first."""
    runs = read_runs(lake)
    if not runs:
        say("no run yet: forge train run")
    for run_id, row in runs.items():
        what = (
            f"adapter {row['adapter_id']}"
            if row["adapter_id"]
            else (f"{row['failed_step']}: {row['failure']}" if row["failure"] else "")
        )
        seconds = sum(row[f"{step}_seconds"] or 0 for step in ("preprocess", "train", "evaluate"))
        say(f"{run_id}  {row['status']:8}  {row['target']:32}  {row['snapshot_name']:16}  {seconds:6.0f} s  {what}")


def tell_decision(lake: Path, adapter: str) -> None:
    """Decide about a candidate and tell the decision. Errors: `Told` when there is nothing to decide."""
    rules: PromotionRules = promotion_rules(lake)
    try:
        row = decide(lake, adapter, rules)
    except RegistryError as error:
        raise Told(str(error), ExitCode.USAGE) from error
    say(f"{row['adapter_id']} of {row['target']}: {row['outcome']} ({row['reason']})")
    left_out = f"{row['excluded_group_count']} left out because one of the compared had trained on them"
    say(f"  judged on {row['eval_group_count']} groups; {left_out}")
    for each in row["comparisons"]:
        say(
            f"  against {each['opponent']}: loss {each['challenger_loss']:.4f} to {each['opponent_loss']:.4f},"
            f" difference {each['loss_difference']:+.4f} ({each['low']:+.4f} to {each['high']:+.4f})"
        )

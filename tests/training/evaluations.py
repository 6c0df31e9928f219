"""Evaluation rows with chosen losses."""

from training.decision import PromotionRules
from training.evaluation_table import Evaluation

RULES = PromotionRules(
    minimum_eval_groups=20,
    interval_level=0.95,
    resamples=500,
    bootstrap_seed=1,
    accuracy_margin=0.005,
    tool_format_margin=0.02,
    verb_margin=0.02,
)


def evaluation(subject: str, number: int, loss: float, **other: object) -> Evaluation:
    """Row `number` of a subject: one row per group, 100 target tokens, `loss` nats per token."""
    row: dict[str, object] = {
        "subject": subject,
        "snapshot_id": "5" * 16,
        "split": "eval",
        "scope": "base",
        "startup": None,
        "role": "mayor",
        "example_key": f"example-{number}",
        "episode_key": f"episode-{number}",
        "group_key": f"group-{number}",
        "target_tokens": 100,
        "loss": loss * 100,
        "correct_tokens": 60,
        "generated_turns": 2,
        "wellformed_turns": 2,
        "generated_verbs": 4,
        "valid_verbs": 4,
    }
    return Evaluation(**{**row, **other})  # type: ignore[arg-type]


def evaluations(subject: str, losses: list[float], **other: object) -> list[Evaluation]:
    """One row per loss."""
    return [evaluation(subject, number, loss, **other) for number, loss in enumerate(losses)]

"""A stand-in for the training environment's Python: answers as Axolotl and our programs would, in milliseconds and without torch.

It writes what they write (prepared rows, progress, an adapter, evaluation lines) and notes each call in `calls.txt`. A
file `fail` beside it names a step that fails once, with the words of an error.
"""

import json
import os
import stat
import sys
from pathlib import Path

SCRIPT = "python"


def install(folder: Path) -> Path:
    """Put the stand-in into `folder` and return its path, for FORGE_TRAIN_PYTHON."""
    folder.mkdir(parents=True, exist_ok=True)
    script = folder / SCRIPT
    tree = Path(__file__).resolve().parents[2]
    script.write_text(
        f"#!{sys.executable}\nimport sys\nsys.path.insert(0, {str(tree)!r})\n"
        "from tests.training.fake_train_env import main\nmain(sys.argv)\n"
    )
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    return script


def calls(folder: Path) -> list[str]:
    """What the stand-in was asked for, in order."""
    path = folder / "calls.txt"
    return path.read_text().split() if path.is_file() else []


def fail_once(folder: Path, step: str) -> None:
    """Let the next call of a step fail."""
    (folder / "fail").write_text(step)


def main(arguments: list[str]) -> None:
    """One call."""
    folder = Path(arguments[0]).parent
    step = arguments[3] if arguments[1] == "-m" else Path(arguments[1]).stem
    with (folder / "calls.txt").open("a") as file:
        file.write(step + "\n")
    fail = folder / "fail"
    fails = fail.is_file() and fail.read_text() == step
    if fails:
        fail.unlink()
    if step == "preprocess":
        _preprocess(Path(arguments[4]), without_targets=fails)
    elif step == "train":
        _train(Path(arguments[4]), fails)
    elif step == "evaluate_rows":
        _evaluate(Path(arguments[2]), Path(arguments[3]), fails)
    elif step == "versions":
        print(json.dumps({"python": "3.11", "torch": "0"}))
    elif step == "check_config":
        print("noise of an import")
        print("[]")


def _config(path: Path) -> dict[str, object]:
    import yaml

    content: dict[str, object] = yaml.safe_load(path.read_text())
    return content


def _preprocess(config: Path, *, without_targets: bool) -> None:
    import pyarrow as pa

    out = Path(str(_config(config)["dataset_prepared_path"])) / "hash"
    out.mkdir(parents=True, exist_ok=True)
    ids = [[1, 2, 3], [4, 5]]
    labels = [[-100, 2, 3], [-100, -100] if without_targets else [-100, 5]]
    table = pa.table({"input_ids": ids, "labels": labels})
    with pa.OSFile(str(out / "data-00000-of-00001.arrow"), "wb") as sink, pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)


def _train(config: Path, fails: bool) -> None:
    def tell(**line: object) -> None:
        with Path(os.environ["FORGE_PROGRESS"]).open("a") as file:
            file.write(json.dumps({"at": 0.0, "steps": 2, **line}) + "\n")

    tell(event="begin", step=0)
    tell(event="log", step=1, loss=2.5)
    if fails:
        print("Traceback (most recent call last):\nRuntimeError: out of memory", file=sys.stderr)
        sys.exit(1)
    tell(event="log", step=2, loss=2.0, **{"tokens/trainable": 120})
    tell(event="log", step=2, eval_loss=1.5)
    tell(event="log", step=2, train_loss=2.25)
    values = _config(config)
    out = Path(str(values["output_dir"]))
    out.mkdir(parents=True, exist_ok=True)
    (out / "adapter_config.json").write_text(json.dumps({"r": values["lora_r"], "lora_alpha": values["lora_alpha"]}))
    (out / "adapter_model.safetensors").write_text(json.dumps(values["datasets"]))


def _evaluate(job_file: Path, out: Path, fails: bool) -> None:
    import pyarrow.parquet as pq

    if fails:
        sys.exit("ValueError: nothing fits")
    job = json.loads(job_file.read_text())
    with out.open("w") as file:
        for subject, folder in job["subjects"].items():
            for number, row in enumerate(row for path in job["files"] for row in pq.read_table(path).to_pylist()):
                keys = {key: row[key] for key in ("example_key", "episode_key", "group_key", "split", "scope", "startup", "role")}
                # An adapter is better than the model by a little, differently from row to row.
                loss = 20.0 + number % 3 - (2.0 + number % 2 if folder else 0.0)
                text = (
                    '<tool_call>{"name": "Bash", "arguments": {"command": "gt done"}}</tool_call><|im_end|>'
                    if number == 0
                    else None
                )
                line = keys | {"subject": subject, "target_tokens": 10, "loss": loss, "correct_tokens": 5}
                file.write(json.dumps(line | {"generated": text}) + "\n")

"""Axolotl's own masks of SFT files: what `axolotl preprocess` makes of them with a model's tokenizer and chat template."""

import subprocess
from pathlib import Path

import yaml

from simtown.tokenizer import CHAT_TEMPLATE
from training.dataset_entries import Prepared, read_prepared, sft_entry
from training.train_env import axolotl, environment


def axolotl_masks(files: list[Path], model: Path, work: Path) -> list[Prepared]:
    """The rows of `files` in their order, as Axolotl would train on them."""
    config = {
        "base_model": str(model),
        "chat_template": "jinja",
        "chat_template_jinja": CHAT_TEMPLATE.read_text(),
        "special_tokens": {"eos_token": "<|im_end|>", "pad_token": "<|endoftext|>"},
        "datasets": [sft_entry(file) for file in files],
        "shuffle_merged_datasets": False,
        "dataset_prepared_path": str(work / "prepared"),
        "dataset_num_proc": 1,
        "output_dir": str(work / "out"),
        "sequence_len": 32768,
        "excess_length_strategy": "raise",
        "adapter": "lora",
        "lora_r": 8,
        "lora_alpha": 16,
        "lora_target_linear": True,
        "micro_batch_size": 1,
        "gradient_accumulation_steps": 1,
        "num_epochs": 1,
        "learning_rate": 0.001,
        "bf16": False,
        "fp16": False,
    }
    work.mkdir(parents=True, exist_ok=True)
    (work / "config.yaml").write_text(yaml.safe_dump(config, allow_unicode=True, sort_keys=False))
    done = subprocess.run(
        axolotl("preprocess", str(work / "config.yaml")),
        env=environment(work / "cache"),
        cwd=work,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    prepared = [folder for folder in (work / "prepared").iterdir() if folder.is_dir()]
    assert len(prepared) == 1
    return list(read_prepared(prepared[0]))

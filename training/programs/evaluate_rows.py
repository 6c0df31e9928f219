"""Evaluate a model and adapters of it on SFT files, row by row. Runs in the training environment.

    python evaluate_rows.py JOB OUT

JOB: JSON with `config` (the Axolotl file: model, template, special tokens, 4-bit or not), `subjects` (name → adapter folder, or
null for the model itself), `files` (paths of SFT Parquet), `maximum_rows` per file, `generated_turns` per
file and `generated_tokens`.
OUT gets one JSON line per subject, file and row: loss and first choices on the tokens that Axolotl's own strategy learns, and for
the first rows what the model writes at the last learned turn.
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import torch
import yaml
from axolotl.prompt_strategies.chat_template import ChatTemplatePrompter, ChatTemplateStrategy
from axolotl.utils.dict import remove_none_values
from forge_axolotl import keep_gradients
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer, BitsAndBytesConfig

IGNORED = -100


def load_tokenizer(config: dict[str, Any]) -> Any:
    """The tokenizer as Axolotl would use it."""
    tokenizer = AutoTokenizer.from_pretrained(config["base_model"])
    special = config["special_tokens"]
    tokenizer.eos_token, tokenizer.pad_token = special["eos_token"], special["pad_token"]
    if config.get("chat_template_jinja"):
        tokenizer.chat_template = config["chat_template_jinja"]
    return tokenizer


def load_model(config: dict[str, Any]) -> Any:
    """The model as it is trained: in 4 bits when the adapter was."""
    kind = torch.bfloat16 if config.get("bf16") else torch.float32
    more: dict[str, Any] = {}
    if config.get("load_in_4bit"):
        more["quantization_config"] = BitsAndBytesConfig(
            load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_use_double_quant=True, bnb_4bit_compute_dtype=kind
        )
    model = AutoModelForCausalLM.from_pretrained(config["base_model"], dtype=kind, **more)
    return model.eval()


def strategy_of(tokenizer: Any, config: dict[str, Any]) -> Any:
    """Axolotl's strategy, with the fields that snapshots have."""
    prompter = ChatTemplatePrompter(
        tokenizer,
        chat_template=tokenizer.chat_template,
        max_length=config["sequence_len"] + 1,
        message_field_training="train",
        message_field_training_detail="train_detail",
    )
    return ChatTemplateStrategy(
        prompter,
        tokenizer=tokenizer,
        train_on_inputs=False,
        sequence_len=config["sequence_len"],
        roles_to_train=["assistant"],
        train_on_eos="turn",
    )


def scored(model: Any, ids: list[int], labels: list[int]) -> tuple[int, float, int]:
    """Learned tokens of a row, the sum of their negative log likelihood, and how many were the model's first choice."""
    wanted = torch.tensor(labels[1:])
    learned = wanted != IGNORED
    if not bool(learned.any()):
        return 0, 0.0, 0
    with torch.no_grad():
        # Only the positions before a learned token need a row of the vocabulary's size.
        hidden = model(input_ids=torch.tensor([ids], device=model.device)).logits[0, :-1][learned.to(model.device)].float().cpu()
    target = wanted[learned]
    loss = torch.nn.functional.cross_entropy(hidden, target, reduction="sum")
    return int(learned.sum()), float(loss), int((hidden.argmax(-1) == target).sum())


def generated(model: Any, tokenizer: Any, strategy: Any, row: dict[str, Any], tokens: int) -> str | None:
    """What the model writes where the last learned turn stands; None when the row has none."""
    turns = strategy.get_conversation_thread(row)
    learned = [number for number, turn in enumerate(turns) if turn["role"] == "assistant" and turn.get("training") is not False]
    if not learned:
        return None
    tools = strategy._get_tools(row)
    prompt = tokenizer.apply_chat_template(
        turns[: learned[-1]], tools=tools, add_generation_prompt=True, tokenize=True, return_dict=False
    )
    given = torch.tensor([prompt], device=model.device)
    with torch.no_grad():
        written = model.generate(
            given,
            attention_mask=torch.ones_like(given),
            max_new_tokens=tokens,
            do_sample=False,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
        )
    new = written[0, len(prompt) :].tolist()
    return str(tokenizer.decode([token for token in new if token != tokenizer.pad_token_id], skip_special_tokens=False))


def rows_of(job: dict[str, Any]) -> Iterator[tuple[str, int, dict[str, Any]]]:
    """File, number of the row in it, and the row, without copies of over-sampled rows."""
    for file in job["files"]:
        rows = (row for row in pq.read_table(file).to_pylist() if not row["copy"])
        for number, row in zip(range(job["maximum_rows"]), rows, strict=False):
            yield file, number, remove_none_values(row)


def main(arguments: list[str]) -> None:
    """Read the command line (see above)."""
    keep_gradients()
    job = json.loads(Path(arguments[0]).read_text(encoding="utf-8"))
    config = yaml.safe_load(Path(job["config"]).read_text(encoding="utf-8"))
    tokenizer = load_tokenizer(config)
    strategy = strategy_of(tokenizer, config)
    prepared = []
    for file, number, row in rows_of(job):
        found = strategy.tokenize_prompt({"messages": row["messages"], "tools": row.get("tools")})
        prepared.append((file, number, row, found["input_ids"], found["labels"]))
    model = load_model(config)
    adapted = None
    with Path(arguments[1]).open("w", encoding="utf-8") as out:
        for subject, folder in sorted(job["subjects"].items(), key=lambda item: item[1] is not None):
            if folder is not None:
                name = f"adapter_{len(getattr(adapted, 'peft_config', {}))}"
                if adapted is None:
                    adapted = PeftModel.from_pretrained(model, folder, adapter_name=name).eval()
                else:
                    adapted.load_adapter(folder, adapter_name=name)
                adapted.set_adapter(name)
            used = model if folder is None else adapted
            for file, number, row, ids, labels in prepared:
                count, loss, correct = scored(used, ids, labels)
                text = None
                if number < job["generated_turns"]:
                    text = generated(used, tokenizer, strategy, row, job["generated_tokens"])
                keys = {
                    key: row.get(key) for key in ("example_key", "episode_key", "group_key", "split", "scope", "startup", "role")
                }
                line = keys | {"subject": subject, "file": file, "target_tokens": count, "loss": loss, "correct_tokens": correct}
                out.write(json.dumps(line | {"generated": text}) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])

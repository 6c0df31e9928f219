"""Make one thing of a model and its adapters. Runs in the training environment.

    python combine_adapters.py merge CONFIG ADAPTER OUT     a whole model: the one that was trained on, the adapter in its weights
    python combine_adapters.py compose CONFIG OUT ADAPTER … one adapter that is exactly all of them at once (their ranks add up)

CONFIG: the Axolotl file of the training run. A 4-bit model is dequantised before the merge: the adapter was trained on the weights
that 4 bits can say, and merging it into the original ones gives another model.
"""

import sys
from pathlib import Path

import torch
import yaml
from evaluate_rows import load_model, load_tokenizer
from forge_axolotl import keep_gradients
from peft import PeftModel


def merge(config_file: Path, adapter: Path, out: Path) -> None:
    """Write the merged model, its tokenizer and its chat template."""
    config = yaml.safe_load(config_file.read_text(encoding="utf-8"))
    model = load_model(config)
    if config.get("load_in_4bit"):
        model = model.dequantize()
        # Otherwise the saved model would claim to be in 4 bits.
        model.config.quantization_config = None
        del model.config.quantization_config
    merged = PeftModel.from_pretrained(model, str(adapter)).merge_and_unload()
    merged.save_pretrained(out)
    load_tokenizer(config).save_pretrained(out)


def compose(config_file: Path, out: Path, adapters: list[Path]) -> None:
    """Write one adapter by concatenating the matrices of several."""
    config = yaml.safe_load(config_file.read_text(encoding="utf-8"))
    names = [f"part_{number}" for number, _ in enumerate(adapters)]
    model = PeftModel.from_pretrained(load_model(config), str(adapters[0]), adapter_name=names[0])
    for name, folder in zip(names[1:], adapters[1:], strict=True):
        model.load_adapter(str(folder), adapter_name=name)
    model.add_weighted_adapter(names, [1.0] * len(names), "composed", combination_type="cat")
    model.set_adapter("composed")
    model.save_pretrained(str(out), selected_adapters=["composed"])
    for file in (out / "composed").iterdir():
        file.rename(out / file.name)
    (out / "composed").rmdir()


def main(arguments: list[str]) -> None:
    """Read the command line (see above)."""
    keep_gradients()
    torch.manual_seed(0)
    if arguments[0] == "merge":
        merge(Path(arguments[1]), Path(arguments[2]), Path(arguments[3]))
    else:
        compose(Path(arguments[1]), Path(arguments[2]), [Path(folder) for folder in arguments[3:]])


if __name__ == "__main__":
    main(sys.argv[1:])

"""How far the logits of a merged model, and of a composed adapter, lie from those of the adapters themselves. Runs in the training
environment: `python compare_logits.py CONFIG FIRST SECOND MERGED COMPOSED` prints {"merged": …, "composed": …} (relative)."""

import json
import sys
from pathlib import Path

import torch
import yaml
from evaluate_rows import load_model
from forge_axolotl import keep_gradients
from peft import PeftModel
from transformers import AutoModelForCausalLM


def main(arguments: list[str]) -> None:
    """Read the command line (see above)."""
    keep_gradients()
    config_file, first, second, merged, composed = arguments
    config = yaml.safe_load(Path(config_file).read_text())
    ids = torch.arange(20, 84)[None, :]

    def logits(model: torch.nn.Module) -> torch.Tensor:
        with torch.no_grad():
            found: torch.Tensor = model(input_ids=ids).logits.float()
        return found

    def differ(one: torch.Tensor, other: torch.Tensor) -> float:
        return float((one - other).norm() / other.norm())

    one = PeftModel.from_pretrained(load_model(config), first, adapter_name="first").eval()
    alone = logits(one)
    one.load_adapter(second, adapter_name="second")
    one.base_model.set_adapter(["first", "second"])
    both = logits(one)
    whole = AutoModelForCausalLM.from_pretrained(merged, dtype=torch.float32).eval()
    stacked = PeftModel.from_pretrained(load_model(config), composed).eval()
    print(
        json.dumps({"merged": differ(logits(whole), alone), "composed": differ(logits(stacked), both), "both": differ(both, alone)})
    )


if __name__ == "__main__":
    main(sys.argv[1:])

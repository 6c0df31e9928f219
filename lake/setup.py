"""`forge init`: everything a first load needs, and nothing that exists is touched."""

import shutil
from pathlib import Path

from ingest.redaction_key import key_file, load_key
from lake.tell import say

TOWNS_EXAMPLE = Path(__file__).resolve().parent.parent / "ingest" / "towns_example.yaml"
GOVERNANCE_EXAMPLE = Path(__file__).resolve().with_name("governance_example.yaml")


def set_up(folder: Path, lake: Path) -> None:
    """Write `towns.yaml` and `governance.yaml`, make the lake's folder and its key, and say what was done and what comes next."""
    folder.mkdir(parents=True, exist_ok=True)
    towns, governance = folder / "towns.yaml", folder / "governance.yaml"
    for path, example in ((towns, TOWNS_EXAMPLE), (governance, GOVERNANCE_EXAMPLE)):
        if path.exists():
            say(f"kept     {path}")
        else:
            shutil.copyfile(example, path)
            say(f"wrote    {path}")
    existed = lake.is_dir()
    lake.mkdir(parents=True, exist_ok=True)
    say(f"{'kept' if existed else 'made':8} {lake} (the lake)")
    key = load_key(lake, create=True)
    say(f"key      {key_file()} (fingerprint {key.fingerprint()})")
    say("         Back it up, apart from the lake: without it nothing more can be loaded.")
    say()
    say(f"Next: name your towns in {towns}, check it with `forge doctor`, then run `forge nightly`.")
    say(f"Who may learn from their work stands in {governance}: as it is, everybody from their own work alone.")

"""`forge init`: everything a first load needs, and nothing that exists is touched."""

import shutil
from pathlib import Path

from ingest.redaction_key import key_file, load_key
from lake.tell import say

TOWNS_EXAMPLE = Path(__file__).resolve().parent.parent / "ingest" / "towns_example.yaml"


def set_up(folder: Path, lake: Path) -> None:
    """Write `folder/towns.yaml`, make the lake's folder and its redaction key, and say what was done and what comes next."""
    folder.mkdir(parents=True, exist_ok=True)
    towns = folder / "towns.yaml"
    if towns.exists():
        say(f"kept     {towns}")
    else:
        shutil.copyfile(TOWNS_EXAMPLE, towns)
        say(f"wrote    {towns}")
    existed = lake.is_dir()
    lake.mkdir(parents=True, exist_ok=True)
    say(f"{'kept' if existed else 'made':8} {lake} (the lake)")
    key = load_key(lake, create=True)
    say(f"key      {key_file()} (fingerprint {key.fingerprint()})")
    say("         Back it up, apart from the lake: without it nothing more can be loaded.")
    say()
    say(f"Next: name your towns in {towns}, check it with `forge doctor`, then run `forge nightly`.")

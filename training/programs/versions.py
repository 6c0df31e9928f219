"""Print the versions of what training depends on, as JSON. Runs in the training environment."""

import json
import platform
from importlib.metadata import PackageNotFoundError, version

PACKAGES = ("torch", "axolotl", "transformers", "peft", "trl", "datasets", "bitsandbytes", "tokenizers")


def main() -> None:
    """Write them to standard output; a package that is missing is null."""
    found: dict[str, str | None] = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = None
    print(json.dumps(found))


if __name__ == "__main__":
    main()

"""Every code block of README.md does what the page says.

`console` blocks are run in order in one shell, in a copy of the tree with an empty home, and their output is compared; times and
ids differ from run to run and are masked. `yaml` blocks are checked as towns files. `text` blocks are commands that are run
elsewhere; each is listed here. `FORGE_UPDATE_DOCS=1` writes the real output into the page.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ingest.towns import load_towns

TREE = Path(__file__).parents[1]
README = TREE / "README.md"
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
END = "-- end of block --"
COVERED_ELSEWHERE = {"make test\n", "forge nightly\n"}
MASKS = [
    (r"\d+(\.\d+)? (s|min|h|d)\b", "<time>"),
    (r"\b[0-9a-f]{16}\b", "<id>"),
    (r"(user|redacted)-[0-9a-f]{6}\b", "<surrogate>"),
    (r"(/[\w.-]+)+/demo/", "demo/"),
]


def blocks(kind: str) -> list[str]:
    return [text for found, text in BLOCK.findall(README.read_text()) if found == kind]


def commands(block: str) -> str:
    """The lines after `$ `, with their continuation lines."""
    return "".join(line[2:] + "\n" for line in block.splitlines() if line.startswith(("$ ", "> ")))


def masked(text: str) -> str:
    for pattern, mask in MASKS:
        text = re.sub(pattern, mask, text)
    # A table is as wide as its widest value, which may be one that is masked.
    return "\n".join(re.sub(r"[─ ]{2,}", " ", line).rstrip() for line in text.strip().splitlines())


def copy_of_the_tree(folder: Path) -> Path:
    """The tracked files, and the installed environment under the name that the page uses."""
    tracked = subprocess.run(["git", "ls-files", "-z"], cwd=TREE, capture_output=True, text=True, check=True).stdout
    for name in filter(None, tracked.split("\0")):
        if (TREE / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(TREE / name, folder / name)
    venv = folder / ".venv"
    (venv / "bin").mkdir(parents=True)
    for name in ("python", "dbt", "duckdb"):
        (venv / "bin" / name).symlink_to(Path(sys.executable).parent / name)
    forge = venv / "bin" / "forge"
    forge.write_text(f'#!/bin/sh\nPYTHONPATH="{folder}" exec "{sys.executable}" "{folder}/forge.py" "$@"\n')
    forge.chmod(0o755)
    (venv / ".installed").touch()
    return folder


@pytest.mark.slow
def test_every_console_block_prints_what_the_page_shows(tmp_path: Path) -> None:
    shown = blocks("console")
    script = "".join(f"{commands(block)}echo '{END}'\n" for block in shown)
    environment = {
        name: value
        for name, value in os.environ.items()
        # A make that runs the tests would make the page's make talk of folders.
        if not name.startswith(("FORGE_LAKE", "FORGE_TOWNS", "FORGE_REDACTION", "MAKE", "MFLAGS"))
    }
    (tmp_path / "home").mkdir()
    done = subprocess.run(
        ["bash", "-e", "-c", script],
        cwd=copy_of_the_tree(tmp_path / "lora-forge"),
        env={**environment, "HOME": str(tmp_path / "home")},
        capture_output=True,
        text=True,
        timeout=500,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    printed = done.stdout.split(END + "\n")[: len(shown)]
    page = README.read_text()
    if os.environ.get("FORGE_UPDATE_DOCS"):
        for block, output in zip(shown, printed, strict=True):
            lines = "".join(line + "\n" for line in block.splitlines() if line.startswith(("$ ", "> ")))
            tidy = re.sub(r"(/[\w.-]+)+/demo/", "demo/", output).rstrip("\n")
            page = page.replace(f"```console\n{block}```", f"```console\n{lines}{tidy + chr(10) if tidy else ''}```")
        README.write_text(page)
        return
    for block, output in zip(shown, printed, strict=True):
        expected = "".join(line + "\n" for line in block.splitlines() if not line.startswith(("$ ", "> ")))
        assert masked(output) == masked(expected), f"after {commands(block)}"


def test_every_towns_file_on_the_page_is_valid(tmp_path: Path) -> None:
    for text in blocks("yaml"):
        (tmp_path / "towns.yaml").write_text(text)
        assert load_towns(tmp_path / "towns.yaml").towns


def test_no_block_escapes_the_tests() -> None:
    kinds = {kind for kind, _ in BLOCK.findall(README.read_text())}
    assert kinds <= {"console", "yaml", "text"}
    assert set(blocks("text")) == COVERED_ELSEWHERE


def test_every_page_the_readme_and_the_docs_link_to_exists() -> None:
    for page in (README, *(TREE / "docs").glob("*.md")):
        for target in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"

"""docs/cli.md shows every command's own help and every exit code. `FORGE_UPDATE_DOCS=1` writes the page anew."""

import os
import re
from pathlib import Path

import typer
from typer.core import TyperGroup
from typer.testing import CliRunner

from forge import app
from lake.exit_codes import MEANINGS, ExitCode

PAGE = Path(__file__).parents[1] / "docs/cli.md"
WIDTH = 100
group = typer.main.get_command(app)
assert isinstance(group, TyperGroup)
COMMANDS = group.commands | {
    f"{name} {verb}": command
    for name, inner in group.commands.items()
    if isinstance(inner, TyperGroup)
    for verb, command in inner.commands.items()
}


def help_of(name: str) -> str:
    arguments = [*name.split(), "--help"]
    shown = CliRunner().invoke(app, arguments, prog_name="forge", terminal_width=WIDTH, max_content_width=WIDTH)
    assert shown.exit_code == 0
    return shown.output.strip()


def exit_code_table() -> str:
    rows = [f"| {code.value} | {MEANINGS[code]} |" for code in ExitCode]
    return "\n".join(["| code | meaning |", "|---|---|", *rows])


def generated() -> dict[str, str]:
    blocks = {name: f"### forge {name}\n\n```text\n{help_of(name)}\n```" for name in COMMANDS}
    return {"exit codes": exit_code_table(), "commands": "\n\n".join(blocks.values())}


def with_generated(page: str) -> str:
    for name, text in generated().items():
        pattern = rf"(<!-- {name}: generated -->\n).*?(\n<!-- end -->)"
        page, count = re.subn(pattern, lambda match, text=text: match[1] + text + match[2], page, flags=re.DOTALL)
        assert count == 1, f"docs/cli.md needs one place for the {name}"
    return page


def test_the_page_shows_every_command_as_it_is() -> None:
    page = PAGE.read_text()
    fresh = with_generated(page)
    if os.environ.get("FORGE_UPDATE_DOCS"):
        PAGE.write_text(fresh)
    else:
        assert page == fresh, (
            "docs/cli.md is behind the code: FORGE_UPDATE_DOCS=1 .venv/bin/python -m pytest tests/test_cli_page.py"
        )


def test_every_command_and_every_option_explains_itself() -> None:
    for name, command in COMMANDS.items():
        assert command.help, name
        short = command.get_short_help_str(limit=200)
        assert 10 < len(short) <= 60, f"{name}: the first sentence is what `forge --help` shows: {short}"
        for parameter in command.params:
            assert getattr(parameter, "help", None), f"{name} {parameter.name} has no help"


def test_every_exit_code_has_a_meaning() -> None:
    assert set(MEANINGS) == set(ExitCode)


def test_the_list_of_commands_fits_a_terminal() -> None:
    context = typer.Context(group, info_name="forge", terminal_width=80)
    assert "..." not in group.get_help(context).partition("Commands:")[2]

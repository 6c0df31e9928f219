"""Tool calls with everything that surrounds them: hooks, shell progress, results, structured results."""

from dataclasses import dataclass, field
from typing import Any

from simtown.clock import millis
from simtown.dice import Deck, Dice, weighted
from simtown.noise import rate
from simtown.scale import Scale
from simtown.text import Text
from simtown.transcript import OLD, Block, Transcript

_PLUGIN = "${CLAUDE_PLUGIN_ROOT}"
_GUARD = f"cd {_PLUGIN}/hooks && bun run ./dist/guard-command.js"
_CAPTURE = f"{_PLUGIN}/scripts/capture-before-call.sh"
_AFTER = f"{_PLUGIN}/scripts/capture-after-call.sh"
_TRACE = f"{_PLUGIN}/scripts/trace-tool-call.sh"
_HOOKS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "Bash": ((_GUARD, f"{_PLUGIN}/scripts/check-commit.sh", f"{_PLUGIN}/scripts/before-commit.sh", _CAPTURE), (_AFTER, _TRACE)),
    "Edit": (
        (_GUARD, _CAPTURE),
        (
            f"cd {_PLUGIN}/hooks && bun run ./dist/check-yaml.js",
            f"cd {_PLUGIN}/hooks && bun run ./dist/check-edit.js",
            f"cd {_PLUGIN}/hooks && bun run ./dist/lint-written.js",
            f"{_PLUGIN}/scripts/after-edit.sh",
            _AFTER,
            _TRACE,
            "callback",
        ),
    ),
    "Read": ((), ("callback", _TRACE)),
    "Grep": ((), ("callback", _TRACE)),
    "Glob": ((), ("callback", _TRACE)),
}
_HOOKS["Write"] = _HOOKS["Edit"]

_BASH_LENGTHS = (2, 30, 60, 130, 250, 420, 640, 1100, 2500, 8000, 24000)
_FILE_LENGTHS = (500, 1400, 3200, 5600, 8500, 12500, 17000, 21000, 26000, 29500, 33000)
_TEXT_LENGTHS = (8, 30, 44, 58, 72, 84, 100, 118, 150, 210, 900)
_COMMANDS = (
    "git status --short", "git diff --stat", "python -m pytest -q", "make test", "git log --oneline -8", "ruff check .",
    "ls -la src", "go test ./...", "npm run build", "git fetch origin && git status -sb",
)  # fmt: skip


@dataclass
class Library:
    """The source files of one rig, which its sessions read and edit."""

    text: Text
    names: list[str]
    contents: list[str]

    @classmethod
    def of(cls, seed: str, scale: Scale) -> "Library":
        """The rig's files, from its own seed."""
        dice = Dice(f"library/{seed}")
        text = Text(seed)
        names = [f"src/{one}/{two}.py" for one, two in (text.names(dice, 2) for _ in range(scale.files))]
        lengths = [int(dice.quantile(_FILE_LENGTHS) * scale.text) + 200 for _ in names]
        return cls(text, names, [text.source(dice, length) for length in lengths])


@dataclass
class Worker:
    """Hands on a transcript: makes calls whose inputs and results fit together."""

    script: Transcript
    library: Library
    scale: Scale
    kinds: Deck[str]
    files: dict[int, str] = field(default_factory=dict)

    @classmethod
    def on(cls, script: Transcript, library: Library, scale: Scale) -> "Worker":
        """A worker with a working set of a few of the rig's files."""
        dice = script.dice
        chosen = dice.sample(range(len(library.names)), k=min(len(library.names), 3 + dice.randrange(6)))
        kinds = Deck(dice, weighted({"Bash": 16, "Read": 11, "Edit": 8, "Write": 2, "Grep": 2, "Glob": 2, "TodoWrite": 1}))
        return cls(script, library, scale, kinds, {index: library.contents[index] for index in chosen})

    # ---- one call ------------------------------------------------------------------------------------------------

    def call(
        self,
        name: str,
        given: dict[str, Any],
        content: Any,
        structured: Any = None,
        is_error: bool | None = None,
        say: str | None = None,
        has_result: bool = True,
    ) -> str:
        """A response that calls a tool, its progress, its result. Returns the uuid of the record that made the call."""
        script, dice = self.script, self.script.dice
        tool = "toolu_01" + dice.base62(22)
        blocks: list[Block] = []
        if dice.chance(0.06):
            length = 80 + dice.randrange(900)
            blocks.append(
                {"type": "thinking", "thinking": self.library.text.prose(dice, length), "signature": dice.base62(180) + "=="}
            )
        if say is not None or dice.chance(0.5):
            blocks.append({"type": "text", "text": say if say is not None else self.remark()})
        blocks.append({"type": "tool_use", "id": tool, "name": name, "input": given})
        caller = script.respond(blocks, "tool_use" if dice.chance(0.1) else None)[-1]
        script.tool_calls += 1
        before, after = _HOOKS.get(name, ((), ()))
        tail = self._hooks(caller, tool, name, "PreToolUse", before)
        if name == "Bash":
            tail = self._shell_progress(tail, tool, str(content))
        if not has_result:
            return caller
        script.tick(*((300, 26_000) if name == "Bash" else (30, 1800)))
        is_hooked_first = dice.chance(0.5)
        if is_hooked_first:
            self._hooks(tail, tool, name, "PostToolUse", after)
        result = script.result(tool, caller, content, is_error, structured)
        if not is_hooked_first:
            self._hooks(result, tool, name, "PostToolUse", after)
        return caller

    def _hooks(self, parent: str, tool: str, name: str, event: str, commands: tuple[str, ...]) -> str:
        script = self.script
        if script.version == OLD:
            return parent
        script.tick(2, 60)
        for command in commands:
            if self.scale.hooks < 1 and not script.dice.chance(self.scale.hooks):
                continue
            data = {"type": "hook_progress", "hookEvent": event, "hookName": f"{event}:{name}", "command": command}
            parent = script.progress(parent, data, tool)
        return parent

    def _shell_progress(self, parent: str, tool: str, output: str) -> str:
        script = self.script
        if script.version == OLD or not script.dice.chance(0.16 * self.scale.hooks):
            return parent
        lines = output.split("\n")
        for second in range(2, 3 + script.dice.randrange(int(22 * self.scale.hooks) + 2)):
            script.tick(900, 1100)
            data = {
                "type": "bash_progress",
                "output": "\n".join(lines[-3:])[-160:],
                "fullOutput": "\n".join(lines[: 1 + second % 5])[-1200:],
                "elapsedTimeSeconds": second,
                "totalLines": min(len(lines), second * 3),
                "timeoutMs": 120000,
            }
            parent = script.progress(parent, data, f"bash-progress-{second}", tool)
        return parent

    # ---- typical calls -------------------------------------------------------------------------------------------

    def remark(self) -> str:
        """A short sentence before a call."""
        return self.library.text.prose(self.script.dice, int(self.script.dice.quantile(_TEXT_LENGTHS)))

    def bash(self, command: str, output: str, is_error: bool = False, **how: Any) -> str:
        """A shell command with its output; a failing one answers as Claude Code does (`Exit code N`)."""
        if is_error:
            content = f"Exit code {1 + self.script.dice.randrange(2)}\n{output}"
            return self.call("Bash", {"command": command}, content, f"Error: {content}", True, **how)
        structured = {"stdout": output, "stderr": "", "interrupted": False, "isImage": False, "noOutputExpected": False}
        given = {"command": command, "description": self.library.text.title(self.script.dice)}
        return self.call("Bash", given, output, structured, False, **how)

    def work(self) -> None:
        """One call of the kinds and sizes agents make while they work."""
        dice, text, script = self.script.dice, self.library.text, self.script
        kind = self.kinds.deal()
        fails = dice.chance(rate("tool_error"))
        index = dice.choice(sorted(self.files))
        name = f"{script.cwd}/{self.library.names[index]}"
        if kind == "Bash":
            length = int(dice.quantile(_BASH_LENGTHS) * self.scale.text) + 2
            self.bash(dice.choice(_COMMANDS), text.lines(dice, length), is_error=fails)
        elif fails:
            content = f"<tool_use_error>{text.prose(dice, 70)}</tool_use_error>"
            self.call(kind, {"file_path": name}, content, f"Error: {content}", True)
        elif kind == "Read":
            self._read(index, name)
        elif kind == "Edit":
            self._edit(index, name)
        elif kind == "Write":
            body = text.source(dice, int(dice.quantile(_FILE_LENGTHS) * self.scale.text / 3) + 100)
            structured: Any = {"type": "create", "filePath": name, "content": body, "structuredPatch": [], "originalFile": None}
            self.call("Write", {"file_path": name, "content": body}, f"File created successfully at: {name}", structured)
        elif kind == "TodoWrite":
            todos = [{"content": text.title(dice), "status": "pending", "activeForm": text.title(dice)} for _ in range(4)]
            content = "Todos have been modified successfully. Ensure that you continue to use the todo list to track your progress."
            self.call("TodoWrite", {"todos": todos}, content, {"oldTodos": [], "newTodos": todos})
        else:
            found = dice.sample(self.library.names, k=min(len(self.library.names), 1 + dice.randrange(5)))
            listing = "\n".join(found)
            structured = {"filenames": found, "numFiles": len(found), "mode": "files_with_matches", "durationMs": 12}
            self.call(kind, {"pattern": text.names(dice, 1)[0], "path": script.cwd}, listing, structured)

    def _read(self, index: int, name: str) -> None:
        body = self.files[index]
        if self.script.dice.chance(0.6):
            start = self.script.dice.randrange(len(body))
            body = body[start : start + 200 + int(self.script.dice.quantile(_FILE_LENGTHS) * self.scale.text * 0.4)]
        rows = body.split("\n")
        shown = "\n".join(f"{number:6d}→{row}" for number, row in enumerate(rows, 1))
        file = {"filePath": name, "content": body, "numLines": len(rows), "startLine": 1, "totalLines": len(rows)}
        structured = None if self.script.agent_id else {"type": "text", "file": file}
        self.call("Read", {"file_path": name}, shown, structured)

    def _edit(self, index: int, name: str) -> None:
        dice = self.script.dice
        before = self.files[index]
        rows = before.split("\n")
        place = dice.randrange(max(1, len(rows) - 4))
        old = "\n".join(rows[place : place + 3])
        new = self.library.text.source(dice, 60 + dice.randrange(240)).split("\n\n", 1)[-1].rstrip("\n")
        self.files[index] = before.replace(old, new, 1)
        patch = [f"-{row}" for row in old.split("\n")] + [f"+{row}" for row in new.split("\n")]
        structured = {
            "filePath": name,
            "oldString": old,
            "newString": new,
            "originalFile": before,
            "structuredPatch": [{"oldStart": place, "oldLines": 3, "newStart": place, "newLines": len(patch) - 3, "lines": patch}],
            "userModified": False,
            "replaceAll": False,
        }
        given = {"file_path": name, "old_string": old, "new_string": new, "replace_all": False}
        self.call("Edit", given, f"The file {name} has been updated successfully.", structured)
        if dice.chance(0.4):
            self._snapshot(name)

    def _snapshot(self, name: str) -> None:
        script = self.script
        backups = {
            path: {"backupFileName": f"{script.dice.hexadecimal(16)}@v1", "version": 1, "backupTime": millis(script.now)}
            for path in (name, *self.library.names[: script.dice.randrange(8)])
        }
        message = script.parent or script.dice.uuid()
        snapshot = {"messageId": message, "trackedFileBackups": backups, "timestamp": millis(script.now)}
        record = {"type": "file-history-snapshot", "messageId": message, "snapshot": snapshot, "isSnapshotUpdate": True}
        script.write(record)

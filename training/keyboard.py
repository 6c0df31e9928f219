"""Single keystrokes and short lines from a terminal, without waiting for Enter."""

import codecs
import os
import sys
import termios
import tty
from types import TracebackType

ENTER, ESCAPE, END = "\n", "\x1b", "\x04"
_BACKSPACE = ("\x7f", "\x08")
_CLEAR = "\x15"


class Keyboard:
    """The terminal on standard input, read key by key inside a `with` block; its settings come back at the end.

    Interrupting (Ctrl-C) works as ever. What is typed ahead is not lost.
    """

    def __init__(self) -> None:
        self._input = sys.stdin.fileno()
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def __enter__(self) -> "Keyboard":
        self._settings = termios.tcgetattr(self._input)
        tty.setcbreak(self._input, termios.TCSANOW)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        termios.tcsetattr(self._input, termios.TCSADRAIN, self._settings)

    def key(self) -> str:
        """The next character; `END` when the terminal is gone."""
        while True:
            byte = os.read(self._input, 1)
            if not byte:
                return END
            if character := self._decoder.decode(byte):
                return "\n" if character == "\r" else character

    def line(self, prompt: str) -> str | None:
        """A line, shown as it is typed. None when it was taken back with Escape."""
        print(prompt, end="", flush=True)
        typed = ""
        while (key := self.key()) not in (ENTER, ESCAPE, END):
            if key in _BACKSPACE and typed:
                typed = typed[:-1]
                print("\b \b", end="", flush=True)
            elif key == _CLEAR:
                print("\b \b" * len(typed), end="", flush=True)
                typed = ""
            elif key.isprintable():
                typed += key
                print(key, end="", flush=True)
        print(flush=True)
        return None if key == ESCAPE else typed.strip()

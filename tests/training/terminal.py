"""A program at a terminal of its own, to which a test types."""

import os
import pty
import select
import signal
import subprocess
import time
from pathlib import Path

PATIENCE = 60.0


class Terminal:
    """Runs a command on a pseudo-terminal. `output`: everything it has printed so far."""

    def __init__(self, command: list[str], *, cwd: Path, environment: dict[str, str]) -> None:
        self._master, slave = pty.openpty()
        self._process = subprocess.Popen(
            command, cwd=cwd, env={**environment, "TERM": "xterm"}, stdin=slave, stdout=slave, stderr=slave, start_new_session=True
        )
        os.close(slave)
        self.output = ""
        self._seen = 0

    def wait_for(self, text: str) -> str:
        """Everything printed since the last wait, up to and with `text`."""
        end = time.monotonic() + PATIENCE
        while (place := self.output.find(text, self._seen)) < 0:
            if not self._read(end - time.monotonic()):
                raise AssertionError(f"waited for {text!r} in vain:\n{self.output[self._seen :]}")
        found = self.output[self._seen : place + len(text)]
        self._seen = place + len(text)
        return found

    def type(self, text: str) -> None:
        """Type some keys."""
        os.write(self._master, text.encode())

    def end(self) -> int:
        """Wait until the program ends; its exit code."""
        end = time.monotonic() + PATIENCE
        while self._read(end - time.monotonic()):
            pass
        os.close(self._master)
        return self._process.wait(PATIENCE)

    def kill(self) -> None:
        """`kill -9`."""
        self._process.send_signal(signal.SIGKILL)
        self._process.wait(PATIENCE)
        os.close(self._master)

    def _read(self, patience: float) -> bool:
        """Read what is there; False when the program has closed the terminal, or patience is at its end."""
        if patience <= 0 or not select.select([self._master], [], [], patience)[0]:
            return False
        try:
            read = os.read(self._master, 65_536)
        except OSError:  # Linux says so when the last program has closed the terminal
            return False
        self.output += read.decode(errors="replace").replace("\r\n", "\n")
        return bool(read)

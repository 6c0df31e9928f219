"""`forge report` in a real browser: it renders by itself, without a word on the console, light and dark."""

import os
import re
import shutil
import struct
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from lake.named_queries import read_answers
from lake.report import QUERIES, report_page
from tests.conftest import missing
from tests.lake.report_world import RELEASE, report_world

pytestmark = pytest.mark.slow

HOSTILE = "<script>document.title = 'taken'; console.log('taken')</script><img src=x onerror=console.log('taken')>"


@dataclass(frozen=True)
class Browser:
    """Headless Chromium with a profile of its own and no way to any host."""

    program: str
    folder: Path

    def open(self, page: Path, *options: str) -> tuple[str, list[str]]:
        """Open a page; gives what the browser printed, and the console's lines."""
        # The superuser of a container may run it without its sandbox only.
        sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
        done = subprocess.run(
            [
                self.program,
                "--headless",
                "--disable-gpu",
                "--hide-scrollbars",
                "--enable-logging=stderr",
                "--host-resolver-rules=MAP * ~NOTFOUND",
                f"--user-data-dir={self.folder / 'profile'}",
                *sandbox,
                *options,
                page.as_uri(),
            ],
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout, [line for line in done.stderr.splitlines() if "CONSOLE" in line]

    def picture(self, page: Path, target: Path, *options: str) -> tuple[int, int]:
        """Take a picture of a page; gives its width and height."""
        self.open(page, f"--screenshot={target}", "--window-size=1180,2400", *options)
        return png_size(target)


def png_size(path: Path) -> tuple[int, int]:
    head = path.read_bytes()[:24]
    assert head[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = struct.unpack(">II", head[16:24])
    return width, height


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Browser:
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    program = next(filter(None, map(shutil.which, names)), None)
    if program is None:
        missing("no Chromium (Debian: apt-get install chromium)")
    return Browser(str(program), tmp_path_factory.mktemp("browser"))


@pytest.fixture(scope="module")
def page(browser: Browser) -> Path:
    path = browser.folder / "report.html"
    world = report_world(town=HOSTILE, startup=HOSTILE, tool=HOSTILE)
    path.write_text(report_page(RELEASE, read_answers(world, QUERIES)), encoding="utf-8")
    return path


def test_the_browser_would_tell_of_an_error(browser: Browser) -> None:
    broken = browser.folder / "broken.html"
    broken.write_text("<!doctype html><title>broken</title><script>nothing.there()</script>")
    _, console = browser.open(broken, "--dump-dom")
    assert any("nothing is not defined" in line for line in console)


def test_the_page_is_shown_as_it_was_written_and_the_console_stays_empty(browser: Browser, page: Path) -> None:
    shown, console = browser.open(page, "--dump-dom")
    assert console == []
    assert "<title>LoRA Forge report: release 0123456789abcdef</title>" in shown
    text = " ".join(re.sub(r"<[^>]*>", " ", shown.partition("</style>")[2]).split())
    for sentence in ("Towns 2", "Kept episodes 4 50 % of all", "2 quarantined", "▲ 0.42 0.30–0.50", "base 1 · 1 · 1 · 1"):
        assert sentence in text, sentence
    assert "&lt;script&gt;document.title" in text
    assert shown.count("<script") == shown.count("<img") == 0
    assert len(re.findall(r"<rect ", shown)) > 8


def test_it_looks_different_by_day_and_by_night(browser: Browser, page: Path) -> None:
    pictures = []
    for name, scheme in (("dark", 0), ("light", 1)):
        target = browser.folder / f"{name}.png"
        assert browser.picture(page, target, f"--blink-settings=preferredColorScheme={scheme}") == (1180, 2400)
        pictures.append(target.read_bytes())
    assert pictures[0] != pictures[1]
    # A page without its styles, or none at all, is a small picture.
    assert min(map(len, pictures)) > 60_000

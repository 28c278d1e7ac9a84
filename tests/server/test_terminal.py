"""A server in a terminal, which sends Ctrl-C to everything in its foreground."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

from tests.conftest import DOUBLE, clean_environment
from tests.patience import SECONDS
from tests.server.conftest import ANNOUNCEMENT, GATED, Client, wait_until_gone

if TYPE_CHECKING:
    from tests.server.conftest import Gate

CTRL_C = b"\x03"

IN_TERMINAL = """
import os, sys
os.open(sys.argv[1], os.O_RDWR)  # the first terminal that a session opens becomes its own
os.execv(sys.argv[2], sys.argv[2:])
"""


@dataclass(frozen=True, kw_only=True)
class Terminal:
    """A pseudo-terminal with one program in its foreground."""

    process: subprocess.Popen[bytes]
    keyboard: int

    def press(self, keys: bytes) -> None:
        """Type a text."""
        os.write(self.keyboard, keys)

    def wait_for(self, pattern: str) -> re.Match[str]:
        """Return the first match of a pattern on the screen."""
        screen = ""
        while not (match := re.search(pattern, screen)):
            ready, _, _ = select.select([self.keyboard], [], [], SECONDS)
            assert ready, screen
            screen += os.read(self.keyboard, 4096).decode()
        return match

    def rest(self) -> str:
        """Return the remaining output of the program until its end."""
        screen = b""
        try:
            while piece := os.read(self.keyboard, 4096):
                screen += piece
        except OSError:
            pass  # Linux reports by this that no process has the terminal open
        return screen.decode()


@contextmanager
def terminal(api_path: Path, *arguments: str) -> Iterator[Terminal]:
    """Run the command line in a terminal of its own."""
    keyboard, screen = pty.openpty()
    program = str(Path(sys.executable).with_name("tesseract-runtime"))
    process = subprocess.Popen(
        [sys.executable, "-c", IN_TERMINAL, os.ttyname(screen), program, *arguments],
        env=clean_environment() | {"TESSERACT_API_PATH": str(api_path)},
        stdin=screen,
        stdout=screen,
        stderr=screen,
        start_new_session=True,
    )
    os.close(screen)
    try:
        yield Terminal(process=process, keyboard=keyboard)
    finally:
        process.kill()
        process.wait()
        os.close(keyboard)


def test_ctrl_c_ends_an_idle_server(tesseract: Callable[..., Path]) -> None:
    """Ctrl-C ends a server in a terminal with exit code 0 and no traceback."""
    with terminal(tesseract(DOUBLE), "serve", "-p", "0") as shell:
        shell.wait_for(ANNOUNCEMENT)
        workers = psutil.Process(shell.process.pid).children()
        shell.press(CTRL_C)
        assert shell.rest().strip() in ("", "^C")
        assert shell.process.wait(SECONDS) == 0
        wait_until_gone(workers)


@pytest.mark.parametrize("options", [(), ("--reload",)])
def test_ctrl_c_does_not_reach_user_code(
    tesseract: Callable[..., Path], gate: Gate, gate_inputs: dict[str, str], options: Sequence[str]
) -> None:
    """A call that runs when Ctrl-C is pressed is answered normally; the log says so."""
    arguments = ("serve", "-p", "0", *options)
    with terminal(tesseract(GATED), *arguments) as shell, ThreadPoolExecutor() as threads:
        client = Client(port=int(shell.wait_for(ANNOUNCEMENT)[3]))
        call = threads.submit(client.apply, gate_inputs)
        gate.wait_until_entered()
        shell.press(CTRL_C)
        shell.wait_for(r"Stopping: waiting up to 30 s for apply \S+ since \d s\. Ctrl-C again")
        wait_until_refused(client)
        gate.open()
        assert call.result().json() == {"done": True}
        assert shell.process.wait(SECONDS) == 0
        assert "KeyboardInterrupt" not in shell.rest()


def wait_until_refused(client: Client) -> None:
    """Wait until a server takes no new connections, the first sign of its end."""
    while True:
        try:
            client.get("/health")
        except OSError:
            return


def test_ctrl_c_ends_a_command_in_user_code(
    tesseract: Callable[..., Path], gate: Gate, gate_inputs: dict[str, str]
) -> None:
    """On the command line Ctrl-C interrupts `apply`, without a traceback."""
    payload = json.dumps({"inputs": gate_inputs})
    with terminal(tesseract(GATED), "apply", payload) as shell:
        gate.wait_until_entered()
        shell.press(CTRL_C)
        assert shell.process.wait(SECONDS) == 130
        assert "Traceback" not in shell.rest()

"""The output of one call of a worker, including C code and subprocesses.

The worker writes it to an unlinked file, its descriptors 1 and 2, which the supervisor reads. A
pipe would block the worker while the supervisor does not read.
"""

from __future__ import annotations

import asyncio
import fcntl
import logging
import os
import tempfile
import threading
from collections.abc import Callable
from contextlib import suppress

from runtime_core.contracts import Run
from runtime_core.errors import NotWritten
from runtime_core.run_logs.run_document import begin_run
from runtime_core.run_logs.standard_output import STDERR, write_all
from runtime_core.run_logs.text_log import append_text, text_log_path
from runtime_core.workers.process_exit import settle

_log = logging.getLogger(__name__)

_CHUNK = 1 << 20


class CapturedOutput:
    """The file for the output of one call, or of a worker that loads or idles."""

    def __init__(self) -> None:
        with tempfile.TemporaryFile() as file:
            self.descriptor = os.dup(file.fileno())
        fcntl.fcntl(self.descriptor, fcntl.F_SETFL, os.O_APPEND)
        self._showing = asyncio.Lock()
        self._keeping = asyncio.Lock()
        self._shown = self._kept = 0
        self._run: Callable[[], Run] | None = None
        self._writing: asyncio.Future[None] | None = None  # may outlast the task that began it
        self._open = True

    @property
    def size(self) -> int:
        """The number of bytes written."""
        return os.lseek(self.descriptor, 0, os.SEEK_END)  # in a third of the time of `fstat`

    @property
    def has_news(self) -> bool:
        """Whether there is output that has not been shown."""
        return self._open and self.size > self._shown

    def tail(self, size: int) -> str:
        """Return the last whole lines, at most `size` bytes; nothing after `finish`."""
        if not self._open:
            return ""
        start = max(self.size - size, 0)
        text = os.pread(self.descriptor, size, start).decode("utf-8", "replace")
        return text.partition("\n")[2] or text if start else text

    def begin(self, run: Callable[[], Run]) -> None:
        """Begin the log of a run in the empty file: `keep` appends all output."""
        self._run = run

    async def keep(self) -> None:
        """Append new output to the log of the run, off the event loop."""
        async with self._keeping:
            await self._written()
            if self._run is not None and self.size > self._kept:
                writing = asyncio.to_thread(self._keep, self._run())
                self._writing = asyncio.ensure_future(writing)
                await self._written()

    async def _written(self) -> None:
        if self._writing is not None:
            await asyncio.shield(self._writing)
            self._writing = None

    def end(self) -> None:
        """End the log of the run, which gets no later output."""
        self._run = None

    async def show(self) -> None:
        """Write new output to the stderr of this process, off the event loop."""
        async with self._showing:
            if self.has_news:
                await _in_daemon_thread(self._show)

    async def finish(self) -> None:
        """Show the rest and close the file, which the last process that has it open frees."""
        await self.show()
        async with self._showing:
            if self._open:
                self._open = False
                os.close(self.descriptor)

    def _keep(self, run: Run) -> None:
        log = text_log_path(run)
        try:
            if not run.log_folder.is_dir():
                begin_run(run)
            while piece := os.pread(self.descriptor, _CHUNK, self._kept):
                self._kept += len(piece)
                append_text(log, piece)
        except (OSError, NotWritten) as error:
            _log.warning("%s cannot be written: %s.", log, getattr(error, "strerror", error))
            self._run = None

    def _show(self) -> None:
        while piece := os.pread(self.descriptor, _CHUNK, self._shown):
            self._shown += len(piece)
            with suppress(OSError):  # the reader of our stderr has gone
                write_all(STDERR, [piece])


async def _in_daemon_thread(act: Callable[[], None]) -> None:
    """Run a function that may block forever in a daemon thread."""
    loop = asyncio.get_running_loop()
    done = loop.create_future()

    def run() -> None:
        act()
        with suppress(RuntimeError):  # the loop has been closed meanwhile
            loop.call_soon_threadsafe(settle, done, None)

    threading.Thread(target=run, daemon=True).start()
    await done

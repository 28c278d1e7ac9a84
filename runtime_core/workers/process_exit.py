"""Await a process's exit without one thread per process."""

from __future__ import annotations

import asyncio
import os
import subprocess
import threading
from typing import TypeVar

T = TypeVar("T")


def end_of(process: subprocess.Popen[bytes]) -> asyncio.Future[int]:
    """Return a future of the exit code of a process, in a running event loop."""
    future: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    try:
        _poll(process, future)
    except (AttributeError, OSError):  # not available on old kernels and in some containers
        threading.Thread(target=_wait, args=(process, future), daemon=True).start()
    return future


def settle(future: asyncio.Future[T], result: T) -> None:
    """Set the result of a future, unless it is done or cancelled."""
    if not future.done():
        future.set_result(result)


def _poll(process: subprocess.Popen[bytes], future: asyncio.Future[int]) -> None:
    loop, descriptor = future.get_loop(), os.pidfd_open(process.pid)

    def note() -> None:
        loop.remove_reader(descriptor)
        os.close(descriptor)
        settle(future, process.wait())

    loop.add_reader(descriptor, note)


def _wait(process: subprocess.Popen[bytes], future: asyncio.Future[int]) -> None:
    code = process.wait()
    loop = future.get_loop()
    if not loop.is_closed():
        loop.call_soon_threadsafe(settle, future, code)

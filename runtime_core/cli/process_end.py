"""The end of the process, which no thread of a plugin delays."""

from __future__ import annotations

import atexit
import os
import sys
import threading
from collections.abc import Iterator
from importlib.metadata import entry_points
from types import FrameType
from typing import NoReturn

from runtime_core.hookspecs import PROJECT
from runtime_core.run_logs.standard_output import flush_output


def end(code: int) -> NoReturn:
    """Exit once the threads of user code have ended, as Python does, without those of plugins."""
    kept = [*_threads_of_plugins()]
    if kept:
        for thread in _running():
            if thread not in kept:
                thread.join()
        atexit._run_exitfuncs()
        flush_output()
        os._exit(code)  # Python would wait for them
    sys.exit(code)


def _running() -> Iterator[threading.Thread]:
    this = threading.current_thread()
    return (each for each in threading.enumerate() if each is not this and not each.daemon)


def _threads_of_plugins() -> Iterator[threading.Thread]:
    """Yield the threads whose outermost function is in a package of a plugin."""
    running = [*_running()]
    if not running:
        return
    packages = {each.module.partition(".")[0] for each in entry_points(group=PROJECT)}
    frames = sys._current_frames()
    for thread in running:
        frame = frames.get(thread.ident or 0)
        if frame is not None and _package(frame) in packages:
            yield thread


def _package(frame: FrameType) -> str:
    """Return the package of the outermost function of a thread."""
    packages = []
    each: FrameType | None = frame
    while each is not None:
        packages.append(str(each.f_globals.get("__name__", "")).partition(".")[0])
        each = each.f_back
    return next((name for name in reversed(packages) if name not in _STARTING), "")


_STARTING = ("threading", "concurrent")  # packages whose functions call that of a thread

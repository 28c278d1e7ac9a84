"""Imports at the start of a process, without work that nothing needs yet."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

_TIMEOUT = "OPENBLAS_THREAD_TIMEOUT"
_CYCLES = "22"  # 2^22 cycles are some milliseconds; the default is 2^26


@contextmanager
def without_collections() -> Iterator[None]:
    """Import modules inside the `with` without garbage collections, which find nothing then."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def import_numpy() -> None:
    """Import NumPy with threads that sleep soon after they have computed.

    Those of OpenBLAS are started with it, one for each further processor, and wait for work in a
    loop: the import alone took 80 ms of processor time for each. A variable of the user is kept.
    """
    if "numpy" in sys.modules:
        return
    is_chosen = _TIMEOUT in os.environ
    os.environ.setdefault(_TIMEOUT, _CYCLES)
    try:
        # The code that needs it explains a broken installation, to its author.
        with without_collections(), suppress(ImportError):
            import numpy  # noqa: F401, ICN001  # the import is the purpose
    finally:
        if not is_chosen:
            del os.environ[_TIMEOUT]  # it is not for programs that this process starts

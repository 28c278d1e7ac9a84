"""The process of `tesseract-runtime`."""

from __future__ import annotations

import gc
import os
import sys

from runtime_core.imports import without_collections


def main() -> None:
    """Run the command line of this process."""
    with without_collections():
        from runtime_core.cli.entry_point import dispatch
        from runtime_core.cli.process_end import end
        from runtime_core.cli.standard_streams import (
            open_standard_streams,
            stdout_to_stderr_for_good,
        )

        gc.freeze()  # later collections need not visit what stays until the end
    open_standard_streams()
    code = dispatch(sys.argv[1:], os.environ)
    stdout_to_stderr_for_good()
    end(code)

"""The command line as a module: `python -m runtime_core`."""

from __future__ import annotations

from runtime_core.cli import main

if __name__ == "__main__":
    main()

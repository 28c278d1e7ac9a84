"""The cost of installed but unused plugins."""

from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import Path

from benchmarks.sides import Side

_COUNT = 20

_MODULE = '''"""The hooks of this plugin."""

from __future__ import annotations

from collections.abc import Iterable

from runtime_core.contracts import Format, lazy_call
from runtime_core.hookspecs import hookimpl


@hookimpl
def formats() -> Iterable[Format]:
    """Provide the format."""
    yield Format(
        name="NAME",
        summary="A format that is not used.",
        media_types=("application/x-NAME",),
        suffixes=(".NAME",),
        array_encoding="raw",
        load=lazy_call("NAME.codec:Codec"),
    )
'''

_METADATA = (
    """Metadata-Version: 2.4
Name: NAME
Version: 1.0
Summary: A plugin that is not used.
Requires-Python: >=3.11
Requires-Dist: numpy>=2.0
Requires-Dist: tesseract-runtime-core<0.2,>=0.1
Description-Content-Type: text/markdown

"""
    + "A line of its readme.\n" * 40
)


def unused_plugin(side: Side) -> float:
    """Return the milliseconds of processor time that one unused plugin adds to `health`."""
    with tempfile.TemporaryDirectory() as folder:
        for number in range(_COUNT):
            _write_plugin(Path(folder), f"scratch{number}")
        _processor_seconds(side, folder)  # compiles the modules
        turns = [[_processor_seconds(side, path) for path in (folder, "")] for _ in range(10)]
    more, less = (min(column) for column in zip(*turns, strict=True))
    return (more - less) / _COUNT * 1000


def _write_plugin(folder: Path, name: str) -> None:
    texts = {
        f"{name}/__init__.py": "",
        f"{name}/plugin.py": _MODULE,
        f"{name}-1.0.dist-info/METADATA": _METADATA,
        f"{name}-1.0.dist-info/entry_points.txt": "[tesseract_runtime]\nNAME = NAME.plugin\n",
    }
    for place, text in texts.items():
        path = folder / place
        path.parent.mkdir(exist_ok=True)
        path.write_text(text.replace("NAME", name), encoding="utf-8")


def _processor_seconds(side: Side, folder: str) -> float:
    environment = {**os.environ, "PYTHONPATH": folder}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    with subprocess.Popen(
        [side.command, "health"], env=environment, stdout=subprocess.DEVNULL
    ) as process:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    return usage.ru_utime + usage.ru_stime

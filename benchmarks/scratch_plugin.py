"""Plugins that are installed for a study: a module and the metadata of its distribution."""

from __future__ import annotations

from pathlib import Path

_METADATA = (
    """Metadata-Version: 2.4
Name: NAME
Version: 1.0
Summary: A plugin of the studies.
Requires-Python: >=3.11
Requires-Dist: numpy>=2.0
Requires-Dist: tesseract-runtime-core<0.2,>=0.1
Description-Content-Type: text/markdown

"""
    + "A line of its readme.\n" * 40
)


def write_plugin(folder: Path, name: str, module: str) -> None:
    """Install a plugin into a folder; `NAME` in the text of its module becomes its name."""
    texts = {
        f"{name}/__init__.py": "",
        f"{name}/plugin.py": module,
        f"{name}-1.0.dist-info/METADATA": _METADATA,
        f"{name}-1.0.dist-info/entry_points.txt": "[tesseract_runtime]\nNAME = NAME.plugin\n",
    }
    for place, text in texts.items():
        path = folder / place
        path.parent.mkdir(exist_ok=True)
        path.write_text(text.replace("NAME", name), encoding="utf-8")

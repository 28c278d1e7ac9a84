"""What could be installed: the first-party plugins and the names that they provide.

`hints.json` is generated from the section `[tool.tesseract-runtime.provides]` of each
`plugins/*/pyproject.toml` by `python -m runtime_core.plugins.hints PLUGINS_FOLDER`.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path

TABLE = Path(__file__).with_name("hints.json")


@cache
def installable() -> Mapping[str, Mapping[str, str]]:
    """Return the distribution that provides a name, by hook and name."""
    table: Mapping[str, Mapping[str, str]] = json.loads(TABLE.read_text(encoding="utf-8"))
    return table


def known_distributions() -> frozenset[str]:
    """Return the first-party distributions, by full name and by the name after the prefix."""
    full = {distribution for names in installable().values() for distribution in names.values()}
    return frozenset(full | {name.removeprefix("tesseract-runtime-") for name in full})


def collect(plugins: Path) -> dict[str, dict[str, str]]:
    """Read what each plugin's `pyproject.toml` says that it provides."""
    import tomllib  # only whoever maintains the table needs it

    table: dict[str, dict[str, str]] = {}
    for path in sorted(plugins.glob("*/pyproject.toml")):
        project = tomllib.loads(path.read_text(encoding="utf-8"))
        provides = project.get("tool", {}).get("tesseract-runtime", {}).get("provides", {})
        for hook, names in provides.items():
            for name in names:
                table.setdefault(hook, {})[name] = project["project"]["name"]
    return table


def main(plugins: str) -> None:
    """Write the table anew."""
    text = json.dumps(collect(Path(plugins)), indent=2, sort_keys=True)
    TABLE.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1])

"""Payloads that the author has put beside `tesseract_api.py`, to fill in the form."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_MOST_FILES = 50
_LARGEST = 1 << 20  # bytes of a file; the browser gets all of them at once


def examples(api_path: Path) -> list[dict[str, Any]]:
    """Return the names, endpoints and payloads of `inputs.json` and of the test cases.

    Files that cannot be read are left out.
    """
    folder = api_path.parent
    files = [folder / "inputs.json", *sorted((folder / "test_cases").glob("*.json"))]
    return [
        {"name": name, "endpoint": case.get("endpoint", "apply"), "payload": case["payload"]}
        for file in files[:_MOST_FILES]
        for name, case in _cases(file, folder)
        if isinstance(case, dict) and isinstance(case.get("payload"), dict)
    ]


def _cases(file: Path, folder: Path) -> Iterator[tuple[str, Any]]:
    """Yield the test cases of a file, or the payload of `inputs.json` as one."""
    name = file.relative_to(folder).as_posix()
    document = _document(file)
    if file.parent == folder:
        yield name, {"payload": document}
    elif isinstance(document, list):
        yield from ((f"{name}, {number}", case) for number, case in enumerate(document, start=1))
    else:
        yield name, document


def _document(file: Path) -> Any:
    try:
        if file.stat().st_size > _LARGEST:
            return None
        return json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):  # it is the author's, and an extra
        return None

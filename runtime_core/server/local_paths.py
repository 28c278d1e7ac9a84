"""Paths of the server's machine in messages, of which callers see only the last name."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from runtime_core.calls.faults import concerns_payload
from runtime_core.contracts import Fault


def without_local_paths(fault: Fault) -> Fault:
    """Return a fault as callers of a service may see it.

    Of a refused payload only the words of the author's validators change: other messages name the
    paths that the caller has sent.
    """
    if concerns_payload(fault.kind):
        return replace(fault, details=[_detail(detail) for detail in fault.details])
    return replace(fault, message=without_folders(fault.message))


def _detail(detail: Mapping[str, Any]) -> Mapping[str, Any]:
    if detail["type"] not in _OF_AUTHORS:
        return detail
    words = {key: detail[key] for key in ("msg", "ctx") if key in detail}
    return {**detail, **tree_without_folders(words)}


_OF_AUTHORS = ("value_error", "assertion_error")
"""The types of faults in pydantic that the exceptions of validators become."""


def without_folders(text: str) -> str:
    """Replace the folders of absolute paths in a text by dots.

    >>> without_folders("Command '['/opt/acme/bin/solve', '-i/srv/a b/mesh.inp']' died")
    "Command '['.../solve', '-i.../mesh.inp']' died"
    >>> without_folders("See https://example.org/a/b: 3 km/h")
    'See https://example.org/a/b: 3 km/h'
    """
    return _FOLDERS.sub(".../", text)


def tree_without_folders(tree: Any) -> Any:
    """Replace the folders of absolute paths in all texts of a JSON-like tree by dots.

    >>> tree_without_folders({"faults": ["OSError: /opt/acme/lib/x.so"], "seconds": 0.5})
    {'faults': ['OSError: .../x.so'], 'seconds': 0.5}
    """
    if isinstance(tree, str):
        return without_folders(tree)
    if isinstance(tree, Mapping):
        return {key: tree_without_folders(value) for key, value in tree.items()}
    if isinstance(tree, list | tuple):
        return [*map(tree_without_folders, tree)]
    return tree


_FOLDERS = re.compile(
    r"""
    (?: (?<=['"]) | (?<=['"]-[a-zA-Z]) )  # in quotes, where names may have blanks
    (?:file://)? /
    (?: (?: [^ /'"\n] | [ ](?![-/]) )+ / )+ (?= (?: [^ /'"\n] | [ ](?![-/]) )+ ['"] )
    |
    (?: (?<![\w./~%-]) | (?<=\s-[a-zA-Z]) )  # where no relative path or URL goes on
    (?:file://)? /
    (?: [^\s:/'"]+ / )+ (?= [^\s/] )
    """,
    re.VERBOSE,
)

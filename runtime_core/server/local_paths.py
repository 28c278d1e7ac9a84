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
    if detail["type"] not in _OF_AUTHORS or "ctx" not in detail:
        return detail
    texts = {key: without_folders(str(value)) for key, value in detail["ctx"].items()}
    return {**detail, "msg": without_folders(detail["msg"]), "ctx": texts}


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

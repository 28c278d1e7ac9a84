"""The distributions of this project, and the commands that install them."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping
from importlib import metadata
from typing import Any
from urllib.parse import unquote, urlsplit

__all__ = ["CORE", "STANDARD", "install_command", "with_install_commands"]

CORE = "tesseract-runtime-core"
"""The name of the core's own distribution."""

STANDARD = "tesseract-runtime"
"""The name of the distribution that installs the core and the standard plugins."""


def install_command(distribution: str, *options: str, extra: str = "") -> str:
    """Return the command line that installs a first-party plugin from the source of the core.

    The core's `direct_url.json` (PEP 610) names a checkout or a git repository; without it the
    source is the package registry.
    """
    source = _source()
    extra = f"[{extra}]" if extra else ""
    folder = _folder(distribution)
    if "dir_info" in source:
        checkout = unquote(urlsplit(source["url"]).path)
        if distribution == STANDARD:
            return f"cd {shlex.quote(checkout)} && {_STANDARD_OF_CHECKOUT}"
        return shlex.join(["pip", "install", *options, f"{checkout}/{folder}{extra}"])
    if "vcs_info" in source:
        revision = source["vcs_info"].get("requested_revision")
        address = f"git+{source['url']}" + (f"@{revision}" if revision else "")
        requirement = f"{distribution}{extra} @ {address}#subdirectory={folder}"
        return " ".join(["uv", "pip", "install", *options, f'"{requirement}"'])
    return shlex.join(["pip", "install", *options, f"{distribution}{extra}"])


_STANDARD_OF_CHECKOUT = "pip install -r requirements/standard.txt"


def _folder(distribution: str) -> str:
    """Return the folder of a first-party distribution in a checkout."""
    name = "standard" if distribution == STANDARD else distribution.removeprefix(f"{STANDARD}-")
    return f"plugins/{name.replace('-', '_')}"


def _source() -> Mapping[str, Any]:
    text = metadata.distribution(CORE).read_text("direct_url.json")
    source: Mapping[str, Any] = json.loads(text) if text else {}
    return source


def with_install_commands(text: str) -> str:
    """Replace lines `$ pip install DISTRIBUTION` by the commands for this installation.

    Nothing names a path of this machine, as the text is for others.
    """
    source = _source()
    if "archive_info" in source:
        return text
    command = _in_checkout if "dir_info" in source else install_command
    return re.sub(
        r"(?<=^\$ )pip install (tesseract-runtime[a-z0-9-]*)$",
        lambda match: command(match[1]),
        text,
        flags=re.MULTILINE,
    )


def _in_checkout(distribution: str) -> str:
    """Return the command that installs a first-party distribution in any checkout."""
    requirement = f"pip install ./{_folder(distribution)}"
    command = _STANDARD_OF_CHECKOUT if distribution == STANDARD else requirement
    return f"{command}  # in a checkout of {STANDARD}"

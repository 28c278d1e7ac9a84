"""Programs of the system that tests run: packages of Debian, which `.ci/run` installs."""

from __future__ import annotations

import os
import shutil

import pytest

from tests.conftest import REPOSITORY

PACKAGES = (REPOSITORY / ".ci" / "packages").read_text(encoding="utf-8").split()

_FOLDERS = os.pathsep.join(["/usr/sbin", "/sbin"])
"""Where servers are, which the PATH of an ordinary user lacks."""


def needs_program(name: str, *, package: str) -> str:
    """Return the path of a program; a test that lacks it is skipped, and fails in CI."""
    assert package in PACKAGES, f"add {package} to .ci/packages"
    path = shutil.which(name) or shutil.which(name, path=_FOLDERS)
    if path is None:
        reason = f"needs the program {name}: apt-get install {package}"
        (pytest.fail if "CI_PROGRAMS" in os.environ else pytest.skip)(reason)
    return path

"""`require_file`: files of the input path without which a Tesseract does not start."""

from __future__ import annotations

import os
from pathlib import Path

from runtime_core.errors import MissingFile
from tesseract_runtime_authoring.path_root import INPUTS, quoted

SKIP_REQUIRED_FILE_CHECK: bool = os.environ.get("_TESSERACT_IS_BUILDING") == "1"
"""Whether required files may be missing because the image of a Tesseract is being built."""


class MissingRequiredFile(MissingFile, FileNotFoundError):
    """A file that a `tesseract_api.py` requires is not in the input path."""


def require_file(file_path: str | os.PathLike[str]) -> Path:
    """Return the absolute path of a required file or folder of the input path.

    Call it in the body of `tesseract_api.py`: a Tesseract without its files then does not start.
    Raises `MissingFile`, here also a `FileNotFoundError`, when it does not exist, and
    `FileRefused` for a path outside of the input path.

    >>> require_file(".").is_absolute()
    True
    """
    name = os.fspath(file_path)
    path = INPUTS.inside(name)
    if SKIP_REQUIRED_FILE_CHECK or path.exists():
        return path
    raise MissingRequiredFile(
        f"The required file {quoted(name)} is not in the input path {str(INPUTS.real())!r}. "
        "Name the folder that it is in with --input-path or TESSERACT_INPUT_PATH."
    )

"""`OutputPath`: a file or folder of the output path as a field of a schema."""

from __future__ import annotations

from pathlib import Path

from pydantic import ValidationInfo

from runtime_core.calls import scope
from runtime_core.errors import FileRefused
from tesseract_runtime_authoring.path_root import OUTPUTS, quoted
from tesseract_runtime_authoring.rooted_path import RootedPath

_SKIP = "skip_output_path_checks"
"""The key of a context in which an expected result is read: whether its files may be missing."""


class OutputPath(RootedPath):
    """Type annotation for a file or folder in the output path.

    In a result it must exist: `apply` returns the path of a file that it has written, absolute or
    relative to the output path. Functions see an absolute `pathlib.Path`, with links resolved; a
    document names it relative to the output path.

    In a payload it is the name of a file to be written, which need not exist. For a remote caller
    it must not, so that callers cannot name or overwrite the files of others.

    >>> from pydantic import BaseModel
    >>> class Outputs(BaseModel):
    ...     folder: OutputPath
    >>> outputs = Outputs(folder=".")
    >>> outputs.folder.is_absolute(), outputs.model_dump_json()
    (True, '{"folder":"."}')
    """

    _path_root = OUTPUTS

    @classmethod
    def _located(cls, name: str, info: ValidationInfo) -> Path:
        if info.context is None:  # a result: payloads are read with a context
            return OUTPUTS.existing(name)
        if _SKIP not in info.context:
            return _to_be_written(name)
        return OUTPUTS.inside(name) if info.context[_SKIP] else OUTPUTS.existing(name)


def _to_be_written(name: str) -> Path:
    path = OUTPUTS.inside(name)
    if path == OUTPUTS.real():
        raise FileRefused(f"{quoted(name)} is {OUTPUTS.place()} itself: name something in it.")
    if scope.current().files.confined and path.exists():
        raise FileRefused(f"{quoted(name)} exists already in {OUTPUTS.place()}: choose a new name.")
    return path

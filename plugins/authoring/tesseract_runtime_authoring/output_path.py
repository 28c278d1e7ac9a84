"""`OutputPath`: a file or folder of the output path as a field of a schema."""

from __future__ import annotations

from pathlib import Path, PosixPath
from typing import Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler, ValidationInfo
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from runtime_core.calls import scope
from runtime_core.errors import FileRefused
from tesseract_runtime_authoring.path_root import OUTPUTS, quoted
from tesseract_runtime_authoring.path_schema import path_core_schema, path_json_schema


class OutputPath(PosixPath):
    """Type annotation for a file or folder in the output path.

    In a result it must exist: `apply` gives the path of what it has written, absolute or relative
    to the output path. Functions see an absolute `pathlib.Path`, links resolved; a document names
    it relative to the output path.

    In a payload it is the name of something to be written, which need not exist. For a remote
    caller it must not, so that nobody can name the files of others, or overwrite them.

    >>> from pydantic import BaseModel
    >>> class Outputs(BaseModel):
    ...     folder: OutputPath
    >>> outputs = Outputs(folder=".")
    >>> outputs.folder.is_absolute(), outputs.model_dump_json()
    (True, '{"folder":"."}')
    """

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Resolve names in the output path, and write them relative to it."""
        return path_core_schema(_read, OUTPUTS)

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Describe the name of a file."""
        return path_json_schema("A file or folder, relative to the output path.")


def _read(name: str, info: ValidationInfo) -> Path:
    if info.context is None:  # a result: payloads are read with a context
        return OUTPUTS.existing(name)
    if _SKIP not in info.context:
        return _to_be_written(name)
    return OUTPUTS.inside(name) if info.context[_SKIP] else OUTPUTS.existing(name)


_SKIP = "skip_output_path_checks"
"""The key of a context in which an expected result is read: whether its files may be missing."""


def _to_be_written(name: str) -> Path:
    path = OUTPUTS.inside(name)
    if path == OUTPUTS.real():
        raise FileRefused(f"{quoted(name)} is {OUTPUTS.place()} itself: name something in it.")
    if scope.current().files.confined and path.exists():
        raise FileRefused(f"{quoted(name)} exists already in {OUTPUTS.place()}: choose a new name.")
    return path

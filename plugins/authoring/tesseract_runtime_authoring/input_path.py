"""`InputPath`: a file or folder of the input path as a field of a schema."""

from __future__ import annotations

from pathlib import Path, PosixPath
from typing import Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler, ValidationInfo
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from runtime_core.calls import scope
from tesseract_runtime_authoring.path_root import INPUTS
from tesseract_runtime_authoring.path_schema import path_core_schema
from tesseract_runtime_authoring.path_schema import path_json_schema


class InputPath(PosixPath):
    """Type annotation for an existing file or folder in the input path.

    A document names it relative to the input path, and validation makes an absolute
    `pathlib.Path` of that, links resolved. What does not exist, or leads out of the input path,
    is refused on every way in.

    >>> from pydantic import BaseModel
    >>> class Inputs(BaseModel):
    ...     mesh: InputPath
    >>> inputs = Inputs(mesh=".")
    >>> inputs.mesh.is_absolute(), inputs.model_dump_json()
    (True, '{"mesh":"."}')
    """

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Resolve names in the input path, and write them relative to it."""
        return path_core_schema(_read, INPUTS)

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Describe the name of a file."""
        return path_json_schema("A file or folder, relative to the input path.")


def _read(name: str, info: ValidationInfo) -> Path:
    files = scope.current().files
    if files.confined:
        files.resolve(name)  # it knows what a remote caller may open
    return INPUTS.existing(name)

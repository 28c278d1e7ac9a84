"""The base class of the path types, which pydantic reads, writes and describes alike."""

from __future__ import annotations

import os
from abc import abstractmethod
from pathlib import Path, PosixPath, PurePath
from typing import Any, ClassVar

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler, ValidationInfo
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from tesseract_runtime_authoring.path_root import PathRoot
from tesseract_runtime_authoring.validation_errors import as_validation_error

_NAMES = core_schema.union_schema(
    [core_schema.str_schema(strict=True), core_schema.is_instance_schema(PurePath)],
    custom_error_type="path_type",
    custom_error_message="Input is not a valid path",
)


class RootedPath(PosixPath):
    """A path that documents name relative to a folder of the configuration."""

    _path_root: ClassVar[PathRoot]

    @classmethod
    @abstractmethod
    def _located(cls, name: str, info: ValidationInfo) -> Path:
        """Return the absolute path of a name that a document may use here."""

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Locate names below the root, and write them relative to it."""

        def validate(value: str | PurePath, info: ValidationInfo) -> Path:
            with as_validation_error():
                return cls._located(os.fspath(value), info)

        serialization = core_schema.plain_serializer_function_ser_schema(
            lambda value: cls._path_root.relative(Path(value)), when_used="json"
        )
        # An "after" validator, so that in a union with str the first member counts.
        return core_schema.with_info_after_validator_function(
            validate, _NAMES, serialization=serialization
        )

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Describe the name of a file."""
        description = f"A file or folder, relative to the {cls._path_root.noun}."
        return {"type": "string", "format": "path", "description": description}

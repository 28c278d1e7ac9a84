"""What pydantic does with the path types: how they are read, written and described."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path, PurePath
from typing import Any

from pydantic import ValidationInfo
from pydantic_core import CoreSchema, core_schema

from tesseract_runtime_authoring.path_root import Folder
from tesseract_runtime_authoring.validation_errors import as_validation_error

Read = Callable[[str, ValidationInfo], Path]


def path_core_schema(read: Read, folder: Folder) -> CoreSchema:
    """Return the schema of a field that holds a `pathlib.Path`, read by `read`.

    Its text in JSON is relative to `folder`.
    """

    def validate(value: str | PurePath, info: ValidationInfo) -> Path:
        with as_validation_error():
            return read(os.fspath(value), info)

    # An "after" validator, so that in a union with str the first member counts.
    return core_schema.with_info_after_validator_function(
        validate, _NAMES, serialization=_serialization(folder)
    )


def path_json_schema(description: str) -> dict[str, Any]:
    """Return the JSON Schema of a path: a text."""
    return {"type": "string", "format": "path", "description": description}


_NAMES = core_schema.union_schema(
    [core_schema.str_schema(strict=True), core_schema.is_instance_schema(PurePath)],
    custom_error_type="path_type",
    custom_error_message="Input is not a valid path",
)


def _serialization(folder: Folder) -> core_schema.SerSchema:
    return core_schema.plain_serializer_function_ser_schema(
        lambda value: folder.written(Path(value)), when_used="json"
    )

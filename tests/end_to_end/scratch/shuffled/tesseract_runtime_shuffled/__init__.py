"""The hooks of codecs that use what they are loaded with, and their settings."""

from __future__ import annotations

from collections.abc import Iterable

from pydantic import BaseModel, Field, SecretStr

from runtime_core.contracts import ArrayEncoding, Compressor, Format, Settings, lazy_call
from runtime_core.hookspecs import hookimpl


class Signature(BaseModel):
    """How documents are signed."""

    key: SecretStr = Field(SecretStr(""), description="The key of both sides.")
    algorithm: str = Field("sha256", description="The name of a hash.")


class ShuffledSettings(BaseModel):
    """How arrays are compressed and documents signed."""

    level: int = Field(6, ge=1, le=9, description="The level of DEFLATE.")
    issuers: list[str] = Field([], description="Who may sign documents.")
    signature: Signature = Signature()


@hookimpl
def settings() -> Iterable[Settings]:
    """Provide the settings."""
    yield Settings(
        name="shuffled", summary="Compression and signatures.", load=lambda: ShuffledSettings
    )


@hookimpl
def compressors() -> Iterable[Compressor]:
    """Provide the compressor."""
    yield Compressor(
        name="shuffled",
        summary="Shuffled DEFLATE.",
        load=lazy_call("tesseract_runtime_shuffled.codecs:ShuffledCodec"),
    )


@hookimpl
def formats() -> Iterable[Format]:
    """Provide the format."""
    yield Format(
        name="signed",
        summary="Signed JSON.",
        media_types=("application/signed",),
        suffixes=(".signed",),
        array_encoding="json",
        any_encoding=True,
        parameters=("issuer",),
        load=lazy_call("tesseract_runtime_shuffled.codecs:SignedCodec"),
    )


@hookimpl
def encodings() -> Iterable[ArrayEncoding]:
    """Provide the encoding."""
    yield ArrayEncoding(
        name="hex",
        summary="Hexadecimal digits.",
        data_schema={
            "title": "HexArrayData",
            "type": "object",
            "properties": {"buffer": {"type": "string"}, "encoding": {"const": "hex"}},
            "required": ["buffer", "encoding"],
        },
        load=lazy_call("tesseract_runtime_shuffled.codecs:HexCodec"),
    )

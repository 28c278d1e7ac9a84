"""What the core itself provides, as a plugin like any other."""

from __future__ import annotations

from collections.abc import Iterable

from runtime_core.builtin import declarations
from runtime_core.contracts import ArrayEncoding, Command, Endpoint, Format, ServerExtension
from runtime_core.hookspecs import hookimpl


@hookimpl
def endpoints() -> Iterable[Endpoint]:
    """Provide what every Tesseract can be asked."""
    return declarations.ENDPOINTS


@hookimpl
def formats() -> Iterable[Format]:
    """Provide the JSON formats."""
    return declarations.FORMATS


@hookimpl
def encodings() -> Iterable[ArrayEncoding]:
    """Provide the array encodings that JSON can carry."""
    return declarations.ENCODINGS


@hookimpl
def commands() -> Iterable[Command]:
    """Provide the commands that are no endpoints."""
    return declarations.COMMANDS


@hookimpl
def server_extensions() -> Iterable[ServerExtension]:
    """Provide the routes of the server that are no endpoints."""
    return declarations.SERVER_EXTENSIONS

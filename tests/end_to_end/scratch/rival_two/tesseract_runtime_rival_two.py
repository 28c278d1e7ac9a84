"""A format that another plugin provides as well."""

from collections.abc import Iterable

from runtime_core.contracts import Format, lazy_call
from runtime_core.hookspecs import hookimpl


@hookimpl
def formats() -> Iterable[Format]:
    """Provide the format `rival`, as plugin two of two."""
    yield Format(
        name="rival",
        summary="JSON of plugin two.",
        media_types=("application/rival+json",),
        suffixes=(".rival",),
        array_encoding="json",
        load=lazy_call("runtime_core.documents:JsonDocumentCodec"),
    )

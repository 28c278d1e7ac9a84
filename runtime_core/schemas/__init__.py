"""The models of payloads and results, generated from the author's own."""

from runtime_core.schemas.payloads import PayloadSchemas

__all__ = ["PayloadSchemas"]

from .elastic import hooke

__all__ = ["hooke"]

"""The call wrapper: the header `Acme-Example`."""

from collections.abc import Callable, Sequence

from runtime_core.contracts import Buffer, WrappedCall


def wrap(endpoint: str) -> Callable[[WrappedCall], Sequence[Buffer]] | None:
    """Return the function around the calls of an endpoint, or `None` to leave them alone."""
    if endpoint != "apply":
        return None

    def around(wrapped: WrappedCall) -> Sequence[Buffer]:
        wrapped.headers["Acme-Example"] = str(len(wrapped.call.body))
        return wrapped.answer()

    return around

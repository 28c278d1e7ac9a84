"""`keep` and `kept`: the forward solve of `apply`, used again by the gradient.

To import this module is to ask for it: then the inputs of each call are hashed before the author's
code runs.
"""

from __future__ import annotations

from typing import Any

from runtime_core.calls.scope import current

__all__ = ["keep", "kept"]


def keep(value: object, *, size: int | None = None) -> None:
    """Keep a value of a call for later calls at the same inputs, in this process.

    `apply` keeps what the gradient needs: a factorization, the states of all steps, a tape. `kept`
    returns it until `--keep-forward` other inputs have been used, or the values take more than
    `--keep-forward-bytes`. `size` is the number of bytes of the value, by default an estimate from
    its arrays; libraries in C may hold more. The value is not copied: do not change it, nor arrays
    in it, later. Outside of calls, and in evaluations for differences, nothing is kept.
    """
    here = current()
    if here.forward is not None and here.forward.keep(value, size):
        here.forward_outcome = "kept"


def kept(inputs: object) -> Any:
    """Return the value that was kept at equal inputs, or `None` if there is none.

    `inputs` are those of the gradient function. Solve again on `None`: the value may have been
    dropped, or another process may have computed `apply`.
    """
    here = current()
    if here.forward is None:
        return None
    value = here.forward.kept(inputs)
    here.forward_outcome = "miss" if value is None else "hit"
    return value

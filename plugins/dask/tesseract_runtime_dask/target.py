"""The target of `--executor`: an address, a scheduler file, or a number of workers here."""

from __future__ import annotations

from runtime_core.contracts import ClusterTarget, cluster_target

FILE = "dask+file://"

_FORMS = f"dask://HOST:PORT, {FILE}PATH or dask://local?workers=N"


def parse_target(target: str) -> ClusterTarget:
    """Parse a target, whose address may be a scheduler file; `InvalidOption` for other text."""
    if target.startswith(FILE) and target != FILE:
        return ClusterTarget(address=target)
    return cluster_target(target, _FORMS)


def copies(target: str) -> int:
    """Return the number of workers that are started here."""
    return parse_target(target).workers

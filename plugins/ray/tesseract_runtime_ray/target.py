"""The target of `--executor`: an address, or a number of workers here."""

from __future__ import annotations

from runtime_core.contracts import ClusterTarget, cluster_target

AUTO = "ray://auto"

_FORMS = f"ray://HOST:PORT, {AUTO} or ray://local?workers=N"


def parse_target(target: str) -> ClusterTarget:
    """Parse a target, whose address may be `auto`; `InvalidOption` for other text."""
    return ClusterTarget(address=target) if target == AUTO else cluster_target(target, _FORMS)


def copies(target: str) -> int:
    """Return the number of workers that are started here."""
    return parse_target(target).workers

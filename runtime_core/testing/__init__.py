"""Conformance suites for plugins: test classes to subclass in a plugin's own tests.

They need pytest and hypothesis, and test what is installed as a plugin.
"""

from __future__ import annotations

try:
    import hypothesis  # noqa: F401  # only to name both in one error
    import pytest
except ImportError as error:
    raise ImportError(
        "runtime_core.testing needs pytest and hypothesis. "
        "Install them with: pip install pytest hypothesis"
    ) from error

_WITH_ASSERTIONS = ("array_suite", "compressors", "echo", "encodings", "executors")

# pytest explains the assertions of a module only if it is registered before the import.
pytest.register_assert_rewrite(
    *(
        f"{__name__}.{name}"
        for name in (*_WITH_ASSERTIONS, "logged_runs", "refusals", "round_trips", "run_sinks")
    )
)

from runtime_core.testing.compressors import CompressorConformance  # noqa: E402  # see above
from runtime_core.testing.echo import Echo, made_echo  # noqa: E402
from runtime_core.testing.encodings import ArrayEncodingConformance  # noqa: E402
from runtime_core.testing.executors import ExecutorConformance  # noqa: E402
from runtime_core.testing.formats import FormatConformance  # noqa: E402
from runtime_core.testing.logged_runs import LoggedRun  # noqa: E402
from runtime_core.testing.mutations import (  # noqa: E402
    documents_to_damage,
    survive_edits,
    survive_exchanges,
)
from runtime_core.testing.run_sinks import RunSinkConformance  # noqa: E402

__all__ = [
    "ArrayEncodingConformance",
    "CompressorConformance",
    "Echo",
    "ExecutorConformance",
    "FormatConformance",
    "LoggedRun",
    "RunSinkConformance",
    "documents_to_damage",
    "made_echo",
    "survive_edits",
    "survive_exchanges",
]

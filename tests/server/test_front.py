"""The front: the process that serves HTTP and never loads the Tesseract."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import psutil
import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.server.conftest import Serve, Served

linux = pytest.mark.skipif(sys.platform != "linux", reason="reads the memory map of a process")


def mapped_files(pid: int) -> str:
    """Return the names of all files that a process has mapped into its memory."""
    return "\n".join(entry.path for entry in psutil.Process(pid).memory_maps())


@linux
def test_front_does_not_load_numpy(double: Served) -> None:
    """Arrays pass through the front as bytes, so that it does not load numpy."""
    assert double.apply({"x": [1.0]}).status == 200
    [worker] = double.workers()
    assert "_multiarray_umath" in mapped_files(worker.pid)
    assert "_multiarray_umath" not in mapped_files(double.process.pid)


def test_front_does_not_import_the_file_of_the_user(serve: Serve, tmp_path: Path) -> None:
    """The file is imported by the worker alone, and once."""
    record = tmp_path / "imports"
    served = serve(f"""
        import os
        from pydantic import BaseModel

        with open({str(record)!r}, "a") as file:
            print(os.getpid(), file=file)

        class InputSchema(BaseModel):
            pass

        class OutputSchema(BaseModel):
            pid: int

        def apply(inputs):
            return OutputSchema(pid=os.getpid())
    """)
    assert record.read_text().split() == [str(served.apply({}).json()["pid"])]


def test_front_and_worker_agree_on_the_configuration(serve: Serve) -> None:
    """Options of the command line and the environment reach user code."""
    served = serve(
        """
        from pydantic import BaseModel
        from tesseract_core.runtime.config import get_config

        class InputSchema(BaseModel):
            pass

        class OutputSchema(BaseModel):
            name: str
            version: str
            debug: bool
            output_path: str

        def apply(inputs):
            config = get_config()
            return OutputSchema(
                name=config.name,
                version=config.version,
                debug=config.debug,
                output_path=config.output_path,
            )
        """,
        "--name=Solver",
        "--output-path",
        "results",
        environment={"TESSERACT_VERSION": "1.2", "TESSERACT_RUNTIME_DEBUG": "1"},
    )
    answer = served.apply({}).json()
    assert answer.pop("output_path") == os.path.join(  # noqa: PTH118  # the option is text
        psutil.Process(served.process.pid).cwd(), "results"
    )
    assert answer == {"name": "Solver", "version": "1.2", "debug": True}


def test_environment_of_user_code_is_that_of_the_server(serve: Serve) -> None:
    """Variables of the operator, such as those of a licence, reach user code."""
    served = serve(
        """
        import os
        from pydantic import BaseModel

        class InputSchema(BaseModel):
            pass

        class OutputSchema(BaseModel):
            licence: str
            folder: str

        def apply(inputs):
            return OutputSchema(licence=os.environ["LICENCE"], folder=os.getcwd())
        """,
        environment={"LICENCE": "to compute"},
    )
    folder = psutil.Process(served.process.pid).cwd()
    assert served.apply({}).json() == {"licence": "to compute", "folder": folder}

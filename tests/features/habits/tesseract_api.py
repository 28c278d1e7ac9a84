"""What user code does to its process: folders, streams, logging, warnings, threads, pools."""

import asyncio
import concurrent.futures
import logging
import multiprocessing
import os
import signal
import sys
import tempfile
import threading
import time
import warnings

import numpy as np
from pydantic import BaseModel
from tesseract_core.runtime import Array, Float64

logging.basicConfig(level=logging.DEBUG)
STATE = {}


def square(x):
    return x * x


def changed_folder(x):
    os.chdir(tempfile.gettempdir())
    return x


def printed(x):
    print("computing", x.tolist())
    print("to stderr", file=sys.stderr)
    logging.getLogger("mine").info("logged")
    os.write(1, b"written to the descriptor\n")
    return x


def warned(x):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            warnings.warn("an error here", UserWarning, stacklevel=1)
        except UserWarning:
            return x + 1
    return x


def in_thread(x):
    thread = threading.Thread(target=lambda: STATE.update(thread=square(x)))
    thread.start()
    thread.join()
    return STATE["thread"]


def in_threads(x):
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        return np.array([*pool.map(square, x)])


def in_processes(method):
    def compute(x):
        with multiprocessing.get_context(method).Pool(1) as pool:
            return np.array(pool.map(abs, x.tolist()))

    return compute


def in_loop(x):
    async def double():
        await asyncio.sleep(0)
        return 2 * x

    return asyncio.run(double())


def plotted(x):
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots()
    axes.plot(x)
    with tempfile.TemporaryFile() as file:
        figure.savefig(file, format="png")
        size = file.tell()
    pyplot.close(figure)
    return np.sign(np.full(x.shape, size))


def ran_out_of_time(x):
    def ring(*_):
        raise TimeoutError("it rang")

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, 0.01)
    try:
        time.sleep(10)
    except TimeoutError:
        return x
    finally:
        signal.signal(signal.SIGALRM, before)
    return -x


def seeded(x):
    np.random.seed(0)
    return np.random.rand(x.size).round(3)


HABITS = {
    "changed folder": changed_folder,
    "printed": printed,
    "warned": warned,
    "in a thread": in_thread,
    "in threads": in_threads,
    "in forked processes": in_processes("fork"),
    "in spawned processes": in_processes("spawn"),
    "in a loop": in_loop,
    "plotted": plotted,
    "ran out of time": ran_out_of_time,
    "seeded": seeded,
    "exits": lambda x: sys.exit(3),
    "raises": lambda x: 1 / 0,
}


class InputSchema(BaseModel):
    habit: str
    x: Array[(None,), Float64] = np.array([1.0, 2.0])


class OutputSchema(BaseModel):
    y: Array[(None,), Float64]


def apply(inputs: InputSchema) -> OutputSchema:
    return OutputSchema(y=HABITS[inputs.habit](inputs.x))

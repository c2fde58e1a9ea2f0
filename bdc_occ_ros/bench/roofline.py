# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""How fast this machine could compare bits if nothing but that had to be done."""

from concurrent.futures import ThreadPoolExecutor
import time

from bdc_occ_ros.bench.alternation import Contestant
from bdc_occ_ros.kernels.library import KernelLibrary, load_library
from bdc_occ_ros.kernels.native import NativeBackend
from bdc_occ_ros.kernels.operations import Backend

PROBE_MACS = 10 ** 9
ROUNDS = 4000  # a millisecond or two


def roofline_probe(backend: Backend, threads: int) -> Contestant | None:
    """
    Return what tells how many milliseconds PROBE_MACS take at the least.

    :param backend: One of the library of CPU kernels; the others have no roofline.
    :param threads: Threads, which do not wait for each other: their speeds are added.
    """
    library = load_library() if isinstance(backend, NativeBackend) else None
    if library is None or not library.roofline(backend.name, 1):
        return None
    pool = ThreadPoolExecutor(threads)

    def run() -> float:
        speeds = pool.map(lambda _: _macs_per_ms(library, backend.name), range(threads))
        return PROBE_MACS / sum(speeds)
    return run


def _macs_per_ms(library: KernelLibrary, backend: str) -> float:
    start_ns = time.perf_counter_ns()
    macs = library.roofline(backend, ROUNDS)
    return macs / ((time.perf_counter_ns() - start_ns) / 1e6)

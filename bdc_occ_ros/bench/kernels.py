# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Time the packed kernels beside the machine's roofline and other engines, taking turns."""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
import time
from typing import Any

import torch

from bdc_occ_ros.bench.baselines import BASELINES, Baselines, CAPPED, OPENVINO
from bdc_occ_ros.bench.clock import Candidate, measure, timed, Times
from bdc_occ_ros.bench.kernel_candidates import choose_groups, CONVOLUTIONS, Group, UNIT
from bdc_occ_ros.bench.machine import describe_machine
from bdc_occ_ros.errors import UsageError
from bdc_occ_ros.kernels.library import load_library
from bdc_occ_ros.kernels.native import NativeBackend
from bdc_occ_ros.kernels.operations import Backend
from bdc_occ_ros.kernels.reference import ReferenceBackend
from bdc_occ_ros.kernels.selection import REFERENCE, supported_backends

COLUMNS = ('op', 'shape', 'backend', 'ms', 'median', '% roofline', *BASELINES, 'convs')
WIDTHS = (21, 20, 13, 9, 9, 11, 12, 12, 10, 17, 7)
BASELINE, ROOFLINE = 'baseline', 'roofline'
PROBE_MACS = 10 ** 9
PROBE_ROUNDS = 4000  # a millisecond or two
Key = tuple[str, str]


def measure_kernels(layers: str, backends: str, baselines: str, threads: int,
                    num_rounds: int) -> Iterator[dict[str, Any]]:
    """
    Measure group after group.

    Names have commas between.

    :param layers: Beginnings of names; empty means all.
    :param backends: Empty means all that are compiled and run here.
    :param baselines: Some of BASELINES, all, or none.
    :param num_rounds: Turns of each candidate.
    :return: Rows: op, shape, backend, ms, roofline_fraction, and per baseline how many times our
        time it needs, or None; beside these medians and the baselines' own milliseconds.
    :raises UsageError: if a name is unknown.
    :raises BackendUnavailableError: if this machine cannot run a backend.
    """
    if threads < 1 or num_rounds < 1:
        raise UsageError(f'threads and rounds are at least 1; got {threads} and {num_rounds}')
    groups = choose_groups(layers)
    ours = _backends(backends, threads)
    torch.set_num_threads(threads)
    machine = describe_machine(threads)
    with ExitStack() as stack:
        others = Baselines(_baselines(baselines), ours, threads, stack)
        for make in groups.values():
            for row in _measure_group(make(others), ours, threads, num_rounds):
                yield {**row, 'machine': machine}


def _backends(names: str, threads: int) -> list[Backend]:
    """Return our backends, best first."""
    chosen = [name for name in names.split(',') if name] or [
        name for name in supported_backends() if name != REFERENCE][::-1] or [REFERENCE]
    return [ReferenceBackend() if name == REFERENCE else NativeBackend(name, threads)
            for name in chosen]


def _baselines(names: str) -> Sequence[str]:
    if names in ('all', 'none'):
        return BASELINES if names == 'all' else ()
    chosen = names.split(',')
    unknown = set(chosen) - set(BASELINES)
    if unknown:
        raise UsageError(f'no peer {", ".join(sorted(unknown))}; there are '
                         f'{", ".join(BASELINES)}')
    return chosen


def roofline_probe(backend: Backend, threads: int) -> Candidate | None:
    """
    Return a candidate that times PROBE_MACS of bit comparisons alone.

    :param backend: One of the library of CPU kernels; the others have no roofline.
    :param threads: Threads, which do not wait for each other: their speeds are added.
    """
    library = load_library() if isinstance(backend, NativeBackend) else None
    if library is None or not library.roofline(backend.name, 1):
        return None
    pool = ThreadPoolExecutor(threads)

    def macs_per_ms(_: int) -> float:
        start_ns = time.perf_counter_ns()
        macs = library.roofline(backend.name, PROBE_ROUNDS)
        return macs / ((time.perf_counter_ns() - start_ns) / 1e6)

    return lambda: PROBE_MACS / sum(pool.map(macs_per_ms, range(threads)))


def _measure_group(group: Group, backends: Sequence[Backend], threads: int,
                   num_rounds: int) -> Iterator[dict[str, Any]]:
    """Measure the candidates of a group in turns and return its rows."""
    candidates: dict[Key, Candidate] = {
        (BASELINE, name): run for name, run in group.baselines.items()}
    for backend in backends:
        probe = roofline_probe(backend, threads)
        if probe is not None and group.macs:
            candidates[ROOFLINE, backend.name] = probe
        for op, operations in group.operations.items():
            candidates[op, backend.name] = timed(backend.compile(operations))
    times = measure(candidates, num_rounds)
    for op in group.operations:
        for backend in backends:
            yield _row(group, op, backend.name, times)


def _row(group: Group, op: str, backend: str, times: Mapping[Key, Times]) -> dict[str, Any]:
    """Return the row of one operation on one backend."""
    own = times[op, backend]
    ratios = {}
    for name in BASELINES:
        capped = CAPPED if (name, backend) == (OPENVINO, 'avx2') else name
        baseline = times.get((BASELINE, capped))
        ratios[name] = None if baseline is None else baseline.minimum_ms / own.minimum_ms
    probe = times.get((ROOFLINE, backend))
    fraction = None if probe is None else (
        probe.minimum_ms / PROBE_MACS * group.macs / own.minimum_ms)
    convolutions = times[CONVOLUTIONS, backend].minimum_ms if op == UNIT else None
    return {
        'op': op, 'shape': group.shape, 'backend': backend, 'ms': own.minimum_ms,
        'roofline_fraction': fraction, **ratios, 'median_ms': own.median_ms,
        'quiet_rounds': own.num_quiet_rounds,
        'of_its_convolutions': convolutions and own.minimum_ms / convolutions,
        'peers_ms': {name: baseline.minimum_ms for (kind, name), baseline in times.items()
                     if kind == BASELINE}}


def heading() -> str:
    """Return the line above the rows."""
    return _line(COLUMNS)


def table_line(row: Mapping[str, Any]) -> str:
    """Return a row as text."""
    fraction = row['roofline_fraction']
    return _line((
        row['op'], row['shape'], row['backend'], f'{row["ms"]:.3f}', f'{row["median_ms"]:.3f}',
        '-' if fraction is None else f'{100 * fraction:.1f}',
        *('-' if row[name] is None else f'{row[name]:.2f}x'
          for name in (*BASELINES, 'of_its_convolutions'))))


def _line(cells: Sequence[str]) -> str:
    return ''.join(f'{cell:<{width}}' if index < 3 else f'{cell:>{width}}'
                   for index, (cell, width) in enumerate(zip(cells, WIDTHS))).rstrip()

# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Measures the packed kernels beside their roofline and beside other engines, taking turns."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch

from bdc_occ_ros.bench.alternation import Contestant, measure, timed, Times
from bdc_occ_ros.bench.kernel_groups import choose_groups, CONVOLUTIONS, Group, UNIT
from bdc_occ_ros.bench.kernel_peers import CAPPED, KernelPeers, PEERS
from bdc_occ_ros.bench.machine import describe_machine
from bdc_occ_ros.bench.roofline import PROBE_MACS, roofline_probe
from bdc_occ_ros.errors import UsageError
from bdc_occ_ros.kernels.native import NativeBackend
from bdc_occ_ros.kernels.operations import Backend
from bdc_occ_ros.kernels.reference import ReferenceBackend
from bdc_occ_ros.kernels.selection import REFERENCE, supported_backends

COLUMNS = ('op', 'shape', 'backend', 'ms', 'median', '% roofline', *PEERS, 'convs')
WIDTHS = (21, 20, 13, 9, 9, 11, 12, 12, 10, 17, 7)
Key = tuple[str, str]


def measure_kernels(layers: str, backends: str, peers: str, threads: int,
                    num_rounds: int) -> Iterator[dict[str, Any]]:
    """
    Measure group after group.

    :param layers: Beginnings of names with commas between; empty means all.
    :param backends: Names with commas between; empty means all that are compiled and run here.
    :param peers: Some of PEERS with commas between, all, or none.
    :param num_rounds: Turns of each contestant.
    :return: Rows: op, shape, backend, ms, roofline_fraction, and per peer how many times our time
        it needs, or None; beside these medians and the peers' own milliseconds.
    :raises UsageError: if a name is unknown.
    :raises BackendUnavailableError: if this machine cannot run a backend.
    """
    if threads < 1 or num_rounds < 1:
        raise UsageError(f'threads and rounds are at least 1; got {threads} and {num_rounds}')
    groups = choose_groups(layers)
    ours = _backends(backends, threads)
    torch.set_num_threads(threads)
    machine = describe_machine(threads)
    with KernelPeers(_peers(peers), ours, threads) as others:
        for make in groups.values():
            for row in _measure_group(make(others), ours, threads, num_rounds):
                yield {**row, 'machine': machine}


def _backends(names: str, threads: int) -> list[Backend]:
    """Return our backends, best first."""
    chosen = [name for name in names.split(',') if name] or [
        name for name in supported_backends() if name != REFERENCE][::-1] or [REFERENCE]
    return [ReferenceBackend() if name == REFERENCE else NativeBackend(name, threads)
            for name in chosen]


def _peers(names: str) -> Sequence[str]:
    if names in ('all', 'none'):
        return PEERS if names == 'all' else ()
    chosen = names.split(',')
    unknown = set(chosen) - set(PEERS)
    if unknown:
        raise UsageError(f'no peer {", ".join(sorted(unknown))}; there are {", ".join(PEERS)}')
    return chosen


def _measure_group(group: Group, backends: Sequence[Backend], threads: int,
                   num_rounds: int) -> Iterator[dict[str, Any]]:
    """Let a group take turns and return its rows."""
    contestants: dict[Key, Contestant] = {('peer', name): run for name, run in group.peers.items()}
    for backend in backends:
        probe = roofline_probe(backend, threads)
        if probe is not None and group.macs:
            contestants['roofline', backend.name] = probe
        for op, operations in group.operations.items():
            contestants[op, backend.name] = timed(backend.compile(operations))
    times = measure(contestants, num_rounds)
    for op in group.operations:
        for backend in backends:
            yield _row(group, op, backend.name, times)


def _row(group: Group, op: str, backend: str, times: Mapping[Key, Times]) -> dict[str, Any]:
    """Return the row of one operation on one backend."""
    own = times[op, backend]
    ratios = {}
    for name in PEERS:
        capped = CAPPED if (name, backend) == ('openvino_binary', 'avx2') else name
        peer = times.get(('peer', capped))
        ratios[name] = None if peer is None else peer.minimum_ms / own.minimum_ms
    probe = times.get(('roofline', backend))
    fraction = None if probe is None else (
        probe.minimum_ms / PROBE_MACS * group.macs / own.minimum_ms)
    convolutions = times[CONVOLUTIONS, backend].minimum_ms if op == UNIT else None
    return {
        'op': op, 'shape': group.shape, 'backend': backend, 'ms': own.minimum_ms,
        'roofline_fraction': fraction, **ratios, 'median_ms': own.median_ms,
        'quiet_rounds': own.num_quiet_rounds,
        'of_its_convolutions': convolutions and own.minimum_ms / convolutions,
        'peers_ms': {name: peer.minimum_ms for (kind, name), peer in times.items()
                     if kind == 'peer'}}


def heading() -> str:
    """Return the line above the rows."""
    return _line(COLUMNS)


def table_line(row: Mapping[str, Any]) -> str:
    """Return a row as text."""
    fraction = row['roofline_fraction']
    return _line((
        row['op'], row['shape'], row['backend'], f'{row["ms"]:.3f}', f'{row["median_ms"]:.3f}',
        '-' if fraction is None else f'{100 * fraction:.1f}',
        *(_times(row[name]) for name in PEERS), _times(row['of_its_convolutions'])))


def _times(ratio: float | None) -> str:
    return '-' if ratio is None else f'{ratio:.2f}x'


def _line(cells: Sequence[str]) -> str:
    return ''.join(f'{cell:<{width}}' if index < 3 else f'{cell:>{width}}'
                   for index, (cell, width) in enumerate(zip(cells, WIDTHS))).rstrip()

# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Time whole networks stage by stage, quiet and beside a busy core, taking turns."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, ExitStack
from dataclasses import fields
from functools import partial
import gc
from pathlib import Path
import statistics
import subprocess
import sys
import tempfile
from typing import Any

import torch

from bdc_occ_ros.bench.clock import REST, StageClock, STAGES
from bdc_occ_ros.bench.int8 import quantize_int8, section_shares, session_options, split_by_shares
from bdc_occ_ros.bench.machine import CURE, describe_machine, has_packages
from bdc_occ_ros.bench.worker_process import WorkerProcess
from bdc_occ_ros.binary.config import UnitConfig
from bdc_occ_ros.binary.engine_module import STREAM_DTYPE, use_backend
from bdc_occ_ros.errors import MissingDependencyError, UsageError
from bdc_occ_ros.kernels.selection import choose_backend, has_bfloat16
from bdc_occ_ros.network.config import load_network_config, NetworkConfig
from bdc_occ_ros.network.network import OccupancyNetwork
from bdc_occ_ros.network.packed_network import pack_network
from bdc_occ_ros.weights.agreement import made_up_input

FLOAT, BF16, PACKED, PACKED_BF16 = 'float', 'bf16', 'packed', 'packed_bf16'
INT8, INT8_SPINNING = 'int8', 'int8_spinning'
NO_ENGINE = 'PyTorch'
STREAMS = {'float32': torch.float32, 'bfloat16': torch.bfloat16, 'float16': torch.float16}
USUAL_STREAM = next(name for name, dtype in STREAMS.items() if dtype == STREAM_DTYPE)
BACKENDS = (FLOAT, BF16, PACKED, PACKED_BF16, INT8, INT8_SPINNING)
KIB_PER_MB = 1e6 / 1024
TURN_MS = 300.0
INT8_PACKAGES = ('onnx', 'onnxruntime')
# it ends by itself where we are killed and cannot end it
BUSY_PROGRAM = '''
import os
parent = os.getppid()
while os.getppid() == parent:
    sum(range(100000))
'''
Runs = list[dict[str, Any]]


def measure_networks(models: str, backends: str, threads: int, num_rounds: int, is_busy: bool,
                     stream: str = USUAL_STREAM) -> list[dict[str, Any]]:
    """
    Measure every model on every backend, each in a process of its own, in turns.

    :param models: Names or paths of configs with commas between.
    :param backends: Some of BACKENDS with commas between; empty means all that suit a model.
    :param is_busy: Whether to repeat everything beside a busy core.
    :param stream: One of STREAMS, the type of the maps between packed units.
    :return: Rows: model, backend, stage_ms and total_ms of the fastest run, peak_rss_mb; the
        median, and with is_busy that of the runs beside a busy core and how many times as long
        it is.
    :raises UsageError: if a name is unknown.
    :raises InvalidConfigError: if a model is.
    """
    if threads < 1 or num_rounds < 1:
        raise UsageError(f'threads and rounds are at least 1; got {threads} and {num_rounds}')
    configs = {model: load_network_config(model) for model in models.split(',')}
    candidates = [(model, backend) for model, config in configs.items()
                  for backend in _suitable_backends(config, backends)]
    with ExitStack() as stack:
        processes = [WorkerProcess(NetworkRunner, model, backend, threads, stream)
                     for model, backend in candidates]
        for process in processes:
            stack.callback(process.close)
        runs = [_take_turns(processes, num_rounds)]
        if is_busy:
            stack.enter_context(one_core_busy())
            runs.append(_take_turns(processes, num_rounds))
    machine = describe_machine(threads)
    return [{'model': configs[model].name, 'backend': backend, **_times(*own), 'stream': stream,
             'machine': machine} for (model, backend), *own in zip(candidates, *runs)]


@contextmanager
def one_core_busy() -> Iterator[None]:
    """Keep a core busy while the body runs, as the node's own decoding of images does."""
    process = subprocess.Popen([sys.executable, '-c', BUSY_PROGRAM])
    try:
        yield
    finally:
        process.kill()
        process.wait()


def _suitable_backends(config: NetworkConfig, names: str) -> Sequence[str]:
    """Return the backends on which a network is measured."""
    if names:
        chosen = names.split(',')
        unknown = set(chosen) - set(BACKENDS)
        if unknown:
            raise UsageError(f'no backend {", ".join(sorted(unknown))}; there are '
                             f'{", ".join(BACKENDS)}')
        if set(chosen) & {INT8, INT8_SPINNING}:
            _check_int8(config)
        return chosen
    layers = config.published or config.nano
    units = (getattr(layers, field.name) for field in fields(layers))
    is_binary = any(isinstance(unit, UnitConfig) and unit.is_binary for unit in units)
    has_int8 = config.nano is None and has_packages(f'{INT8} of {config.name}', INT8_PACKAGES)
    return (FLOAT, BF16, *((PACKED, PACKED_BF16) if is_binary else ()),
            *((INT8,) if has_int8 else ()))


def _check_int8(config: NetworkConfig) -> None:
    """Refuse int8 early where a process would refuse it later."""
    if config.nano is not None:
        raise UsageError(f'{config.name}: eight bits are for networks of the published layout; '
                         f'leave {INT8} out')
    if not has_packages(INT8, INT8_PACKAGES):
        raise MissingDependencyError(f'{INT8} needs {" and ".join(INT8_PACKAGES)}: {CURE}')


def _take_turns(processes: Sequence[WorkerProcess], num_rounds: int) -> list[Runs]:
    """Return the runs of every process; a quick one runs several times in its turn."""
    expected_ms = [process.call('run')['total_ms'] for process in processes]
    runs: list[Runs] = [[] for _ in processes]
    for _ in range(num_rounds):
        for process, own, own_ms in zip(processes, runs, expected_ms):
            own += [process.call('run') for _ in range(1 + int(TURN_MS / own_ms))]
    return runs


def _times(quiet: Runs, *busy: Runs) -> dict[str, Any]:
    """Return what a row says about runs on a quiet machine and beside a busy core."""
    fastest = min(quiet, key=lambda run: run['total_ms'])
    median_ms, *busy_ms = (statistics.median(run['total_ms'] for run in runs)
                           for runs in (quiet, *busy))
    return {'engine': fastest['engine'], 'stage_ms': fastest['stage_ms'],
            'total_ms': fastest['total_ms'],
            'peak_rss_mb': max(run['peak_rss_mb'] for run in quiet), 'median_ms': median_ms,
            **({'busy_ms': busy_ms[0], 'busy_ratio': busy_ms[0] / median_ms} if busy_ms else {})}


class NetworkRunner:
    """
    Run an untrained network from normalized images to labels and box maps.

    :param model: Name of a config, or the path of one.
    :param backend: One of BACKENDS.
    :param stream: One of STREAMS, the type of the maps between packed units.
    """

    def __init__(self, model: str, backend: str, threads: int, stream: str) -> None:
        torch.set_num_threads(threads)
        config = load_network_config(model)
        images, rays_m = made_up_input(config, 0)
        torch.manual_seed(0)
        network, self._engine = _on_backend(OccupancyNetwork(config).eval(), backend, threads,
                                            stream)
        with tempfile.TemporaryDirectory() as folder:
            if backend in (INT8, INT8_SPINNING):
                quantize_int8(network, images, rays_m, session_options(
                    threads, spins=backend == INT8_SPINNING,
                    profile_prefix=str(Path(folder, 'profile'))))
            self._predict = torch.inference_mode()(partial(network.predict, images, rays_m))
            self._predict()
            self._predict()
            self._shares = section_shares(network)
        gc.collect()
        Path('/proc/self/clear_refs').write_text('5')
        self._clock = StageClock(network)

    def run(self) -> dict[str, Any]:
        """
        Run the network once.

        :return: stage_ms, total_ms, engine, what ran the packed operations, and peak_rss_mb, the
            most memory since the network was ready.
        """
        stage_ms, total_ms = self._clock.run(self._predict)
        status = Path('/proc/self/status').read_text().splitlines()
        peak_kib = next(line.split()[1] for line in status if line.startswith('VmHWM'))
        return {'stage_ms': split_by_shares(stage_ms, self._shares), 'total_ms': total_ms,
                'engine': self._engine,
                'peak_rss_mb': int(peak_kib) / KIB_PER_MB}


def _on_backend(network: OccupancyNetwork, backend: str, threads: int,
                stream: str) -> tuple[OccupancyNetwork, str]:
    """
    Return a float network as it is, in bfloat16 or packed, and what runs its packed operations.

    That for int8 is packed.
    """
    if backend in (BF16, PACKED_BF16) and not has_bfloat16():
        print(f'{backend}: this processor emulates bfloat16', file=sys.stderr)
    if backend == FLOAT:
        return network, NO_ENGINE
    if backend == BF16:
        network.image_dtype = torch.bfloat16
        return network.to(torch.bfloat16).to(memory_format=torch.channels_last), NO_ENGINE
    real_dtype = torch.bfloat16 if backend == PACKED_BF16 else torch.float32
    network = pack_network(network, real_dtype=real_dtype, stream_dtype=STREAMS[stream])
    chosen = choose_backend(threads).backend
    use_backend(network, chosen)
    return network, chosen.name


def as_table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return rows as text: one column each, one line per stage."""
    lines = [_line('ms', [row['model'] for row in rows]),
             _line('', [row['backend'] for row in rows]),
             _line('packed layers by', [row['engine'] for row in rows])]
    lines += [_line(stage, [row['stage_ms'].get(stage) for row in rows])
              for stage in (*STAGES.values(), REST)
              if any(stage in row['stage_ms'] for row in rows)]
    lines += [_line(title, [row[key] for row in rows]) for title, key in (
        ('total', 'total_ms'), ('median', 'median_ms'), ('beside a busy core', 'busy_ms'),
        ('busy / quiet', 'busy_ratio'), ('peak memory MB', 'peak_rss_mb')) if key in rows[0]]
    return '\n'.join([*lines, *held_back(rows)])


def _line(title: str, cells: Sequence[str | float | None]) -> str:
    shown = ('-' if cell is None else cell if isinstance(cell, str) else f'{cell:.1f}'
             for cell in cells)
    return f'{title:<20}' + ''.join(f'{cell:>16}' for cell in shown)


def held_back(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Compare the models on eight bits, stage by stage: where the first one is behind, and why."""
    first, *others = [row for row in rows if row['backend'] == INT8] or [None]
    lines = []
    for other in others:
        stages = first['stage_ms'].keys() | other['stage_ms'].keys()
        behind_ms = {stage: first['stage_ms'].get(stage, 0.0) - other['stage_ms'].get(stage, 0.0)
                     for stage in stages}
        ahead_ms = other['total_ms'] - first['total_ms']
        slower = [f'{stage} {behind_ms[stage]:+.1f} ms' for stage in
                  sorted(stages, key=lambda stage: -behind_ms[stage]) if behind_ms[stage] > 1]
        lines.append(f'{first["model"]} is {abs(ahead_ms):.1f} ms '
                     f'{"ahead of" if ahead_ms > 0 else "behind"} {other["model"]} on {INT8}; '
                     f'slower stages: {", ".join(slower) or "none"}')
    return lines

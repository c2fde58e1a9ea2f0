# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Measure how long the node takes from the start of its process until it is active, part by part.

Run as a program, python -m bdc_occ_ros.ros.bench.start BEGIN MODEL, it is such a process and
prints the milliseconds of its parts; BEGIN is the steady clock, in ns, when it was asked for.
"""

from collections import Counter
from collections.abc import Callable
import importlib
import json
import statistics
import subprocess
import sys
import time
from typing import Any

from bdc_occ_ros.errors import MeasurementError
from bdc_occ_ros.share import share_path

TOTAL = 'in all'


class Stopwatch:
    """Attribute all time since a beginning, by the steady clock, to parts."""

    def __init__(self, begin_ns: int) -> None:
        self._last_ns = begin_ns
        self.parts_ms: Counter[str] = Counter()

    def take(self, part: str) -> None:
        """Attribute the time since the last call to a part."""
        last_ns, self._last_ns = self._last_ns, time.monotonic_ns()
        self.parts_ms[part] += (self._last_ns - last_ns) / 1e6

    def time_calls(self, module: str, function: str, part: str, before: str) -> None:
        """Attribute later calls of a function to a part, and the time before to another."""
        owner = importlib.import_module(module)
        original: Callable[..., Any] = getattr(owner, function)

        def call(*arguments: Any, **named: Any) -> Any:
            self.take(before)
            result = original(*arguments, **named)
            self.take(part)
            return result
        setattr(owner, function, call)


def start_node(begin_ns: int, model: str) -> dict[str, float]:
    """
    Start a node in this process, which has imported nothing yet, and stop it.

    :param begin_ns: When the process was asked for, by the steady clock.
    :param model: Name of a network or a weights file; empty for the node's own.
    :return: Milliseconds of every part.
    """
    watch = Stopwatch(begin_ns)
    watch.take('interpreter')
    for module in ('numpy', 'rclpy', 'bdc_occ_ros.ros.node', 'torch', 'bdc_occ_ros.predictor'):
        importlib.import_module(module)
        watch.take(f'import {module}')
    import rclpy

    from bdc_occ_ros.ros.node import OccupancyNode
    words = ['--ros-args']
    for file in ('occ.yaml', 'dataset_nuscenes.yaml'):
        words += ['--params-file', str(share_path('config', file))]
    words += ['-p', 'autostart:=false']
    if model:
        name = 'model.weights' if model.endswith('.safetensors') else 'model.name'
        words += ['-p', f'{name}:={model}']
    rclpy.init(args=words)
    node = OccupancyNode()
    watch.take('node')
    loading = 'bdc_occ_ros.weights.loading'
    watch.time_calls(loading, 'read_weights_file', 'read weights', 'parameters')
    watch.time_calls(loading, 'choose_backend', 'kernels', 'network')
    watch.time_calls('bdc_occ_ros.ros.node', 'warm_up', 'warm-up', 'network')
    node.trigger_configure()
    watch.take('configure')
    node.trigger_activate()
    watch.take('activate')
    if node.state_label != 'active':
        raise MeasurementError(f'the node did not become active: {node.last_failure}')
    node.close()
    node.destroy_node()
    rclpy.try_shutdown()
    return {**watch.parts_ms, TOTAL: watch.parts_ms.total()}


def measure_starts(model: str, num_starts: int) -> dict[str, float]:
    """
    Start a node several times in processes of its own.

    :return: Median milliseconds of every part.
    :raises MeasurementError: if it does not start.
    """
    starts = []
    for _ in range(num_starts):
        done = subprocess.run(
            [sys.executable, '-m', __name__, str(time.monotonic_ns()), model],
            capture_output=True, text=True)
        if done.returncode:
            raise MeasurementError(f'the node did not start: {done.stderr.strip()}')
        starts.append(json.loads(done.stdout.splitlines()[-1]))
    return {part: statistics.median(start[part] for start in starts) for part in starts[0]}


if __name__ == '__main__':
    print(json.dumps(start_node(int(sys.argv[1]), sys.argv[2])))

# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Time binary convolutions on a GPU beside cuDNN's FP16 on the same layers.

    python -m bdc_occ_ros.bench.cuda [--output FILE]

Work is captured into CUDA graphs of many calls, so that no launch from Python is timed; the sides
take turns, and a time is the median of the replays, by events on the stream.
"""

import argparse
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
import json
from pathlib import Path
from statistics import median
import sys
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from bdc_occ_ros.bench.layers import Layer, packing_layer, real_map, seeded_data
from bdc_occ_ros.errors import BdcOccError, UsageError
from bdc_occ_ros.files import replacing
from bdc_occ_ros.kernels.cuda_backend import CudaBackend
from bdc_occ_ros.kernels.operations import Epilogue

CALLS = 20
ROUNDS = 21
LAYERS = tuple(Layer(kernel, channels, channels, size, size) for kernel, channels, size in (
    (3, 64, 200), (3, 128, 100), (3, 256, 100), (3, 512, 50), (1, 64, 200), (1, 256, 200)))


def main(argv: Sequence[str] | None = None) -> int:
    """
    Measure and print one line per layer and operation.

    :param argv: Arguments without the program's name; those of the process if None.
    :return: Exit status: 0, also where there is no GPU, or 2 with a message where one cannot be
        used.
    """
    parser = argparse.ArgumentParser(description='Time binary convolutions on a GPU.')
    parser.add_argument('--output', type=Path, help='JSON file for the rows')
    output = parser.parse_args(argv).output
    if not torch.cuda.is_available():
        print('PyTorch finds no GPU: nothing is measured')
        return 0
    try:
        rows = []
        for row in measure(torch.device('cuda', torch.cuda.current_device())):
            print(' '.join(f'{key}={value}' for key, value in row.items()))
            rows.append(row)
    except BdcOccError as error:
        print(error, file=sys.stderr)
        return 2
    if output:
        with replacing(output, UsageError) as place:
            place.write_text(json.dumps(rows, indent=1))
    return 0


def measure(device: torch.device) -> Iterator[dict[str, Any]]:
    """
    Measure every layer.

    :return: Rows of op, shape, backend, device, ms and, for the kernels, cudnn_fp16, how many
        times as long cuDNN takes.
    :raises BackendUnavailableError: if the GPU cannot run the kernels.
    :raises KernelLibraryError: if their library cannot be used.
    """
    backend, name = CudaBackend(device), torch.cuda.get_device_name(device)
    for layer in LAYERS:
        times_ms = _median_ms({**_packed(layer, backend), 'cudnn_fp16': _cudnn(layer, device)})
        baseline_ms = times_ms.pop('cudnn_fp16')
        shape = f'{layer.kernel}x{layer.kernel} {layer.in_channels} {layer.shape}'
        yield {'op': 'cudnn_fp16', 'shape': shape, 'backend': 'cudnn', 'device': name,
               'ms': baseline_ms}
        for op, time_ms in times_ms.items():
            yield {'op': op, 'shape': shape, 'backend': 'cuda', 'device': name,
                   'ms': time_ms, 'cudnn_fp16': baseline_ms / time_ms}


def _packed(layer: Layer, backend: CudaBackend) -> dict[str, Callable[[], None]]:
    """Return packing, and the convolution with each kind of result."""
    pack, bits = packing_layer(layer, seeded_data(layer, device=backend.device))
    half = real_map(torch.empty(layer.out_shape, dtype=torch.float16, device=backend.device))
    zeros = torch.zeros(layer.out_channels)
    affine = replace(bits, bits_of_integer=None, integer_sign=None,
                     epilogue=Epilogue(zeros + 1, zeros, output=half))
    return {name: backend.compile([operation]) for name, operation in (
        ('pack_f32', pack), ('bits', bits), ('affine_f16', affine))}


def _cudnn(layer: Layer, device: torch.device) -> Callable[[], Tensor]:
    """Return the same layer in FP16, channels last."""
    x, weight = (torch.randn(shape, device=device, dtype=torch.float16).contiguous(
        memory_format=torch.channels_last) for shape in (
            (1, layer.in_channels, layer.height, layer.width),
            (layer.out_channels, layer.in_channels, layer.kernel, layer.kernel)))
    return lambda: functional.conv2d(x, weight, padding=layer.kernel // 2)


def _median_ms(functions: dict[str, Callable[[], Any]]) -> dict[str, float]:
    """Replay the functions' graphs in turns; return the median time of one call each."""
    with torch.backends.cudnn.flags(benchmark=True):
        graphs = {name: _graph(function) for name, function in functions.items()}
    times_ms: dict[str, list[float]] = {name: [] for name in graphs}
    for _ in range(ROUNDS):
        for name, graph in graphs.items():
            start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
            start.record()
            graph.replay()
            end.record()
            end.synchronize()
            times_ms[name].append(start.elapsed_time(end) / CALLS)
    return {name: median(times) for name, times in times_ms.items()}


def _graph(function: Callable[[], Any]) -> torch.cuda.CUDAGraph:
    """Capture many calls."""
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        for _ in range(3):
            function()
    torch.cuda.current_stream().wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        for _ in range(CALLS):
            function()
    graph.replay()
    return graph


if __name__ == '__main__':
    sys.exit(main())

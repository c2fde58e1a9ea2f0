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
import json
from pathlib import Path
from statistics import median
import sys
from typing import Any, NamedTuple

import torch
from torch import Tensor

from bdc_occ_ros.errors import BdcOccError
from bdc_occ_ros.kernels.conventions import bit_map, NEVER, pack_bits, words
from bdc_occ_ros.kernels.cuda_backend import CudaBackend
from bdc_occ_ros.kernels.operations import (
    Buffer,
    Convolution,
    Epilogue,
    IntegerSign,
    Map,
    Pack,
    Sign,
)

CALLS = 20
ROUNDS = 21


class Layer(NamedTuple):
    """
    A convolution that keeps channels and size.

    :param kernel: 1 or 3.
    """

    kernel: int
    channels: int
    size: int

    def __str__(self) -> str:
        return f'{self.kernel}x{self.kernel} {self.channels} {self.size}x{self.size}'


LAYERS = (Layer(3, 64, 200), Layer(3, 128, 100), Layer(3, 256, 100), Layer(3, 512, 50),
          Layer(1, 64, 200), Layer(1, 256, 200))


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
        output.write_text(json.dumps(rows, indent=1))
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
        peer_ms = times_ms.pop('cudnn_fp16')
        yield {'op': 'cudnn_fp16', 'shape': str(layer), 'backend': 'cudnn', 'device': name,
               'ms': peer_ms}
        for op, time_ms in times_ms.items():
            yield {'op': op, 'shape': str(layer), 'backend': 'cuda', 'device': name,
                   'ms': time_ms, 'cudnn_fp16': peer_ms / time_ms}


def _packed(layer: Layer, backend: CudaBackend) -> dict[str, Callable[[], None]]:
    """Return packing, and the convolution with each kind of result."""
    device, channels = backend.device, layer.channels
    shape = 1, layer.size, layer.size, channels
    generator = torch.Generator().manual_seed(0)
    weights = pack_bits(torch.rand(channels, layer.kernel, layer.kernel, channels,
                                   generator=generator) > 0.5).to(device)
    floats, flip = torch.zeros(channels), torch.zeros(words(channels), dtype=torch.int32)
    real = Map(Buffer(shape, tensor=torch.randn(shape, generator=generator).to(device)))
    half = Map(Buffer(shape, tensor=torch.empty(shape, dtype=torch.float16, device=device)))
    source, bits = (Map(Buffer(shape, True, bit_map(*shape).to(device))) for _ in range(2))
    pack = Pack(real, source, Sign(floats, flip))
    backend.compile([pack])()
    sign = IntegerSign(floats.int(), torch.full((channels,), NEVER, dtype=torch.int32), flip)
    operations = {
        'pack_f32': pack,
        'bits': Convolution(source, weights, bits_of_integer=bits, integer_sign=sign),
        'affine_f16': Convolution(source, weights,
                                  epilogue=Epilogue(floats + 1, floats, output=half))}
    return {name: backend.compile([operation]) for name, operation in operations.items()}


def _cudnn(layer: Layer, device: torch.device) -> Callable[[], Tensor]:
    """Return the same layer in FP16, channels last."""
    convolution = torch.nn.Conv2d(layer.channels, layer.channels, layer.kernel,
                                  padding=layer.kernel // 2, bias=False)
    convolution = convolution.to(device, torch.float16, memory_format=torch.channels_last)
    x = torch.randn(1, layer.channels, layer.size, layer.size, device=device,
                    dtype=torch.float16).contiguous(memory_format=torch.channels_last)

    @torch.no_grad()
    def run() -> Tensor:
        return convolution(x)

    return run


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

# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Compute layers, units and splats with other engines, as far as these are installed and right."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
import copy
from functools import partial
import sys

import numpy as np
import torch
from torch import nn, Tensor
from torch.nn import functional

from bdc_occ_ros.bench.clock import Candidate, timed
from bdc_occ_ros.bench.layers import chained_layers, Layer, LayerData, seeded_data
from bdc_occ_ros.bench.machine import has_packages
from bdc_occ_ros.bench.onnxruntime_baseline import Int8Convolution
from bdc_occ_ros.bench.openvino_baseline import BinaryChainRunner, layer_chain
from bdc_occ_ros.bench.worker_process import WorkerProcess
from bdc_occ_ros.kernels.operations import Backend

TORCH = {'torch_fp32': torch.float32, 'torch_bf16': torch.bfloat16}
ONNXRUNTIME, OPENVINO = 'ort_int8', 'openvino_binary'
BASELINES = (*TORCH, ONNXRUNTIME, OPENVINO)
CAPPED = 'openvino_binary_avx2'
TorchFunction = Callable[[], Tensor]


class Baselines:
    """
    Prepare the baselines of one measurement.

    :param names: Those of BASELINES that are wanted.
    :param backends: Ours; the first judges OpenVINO's results. Beside avx2 OpenVINO runs once more
        without AVX-512.
    :param stack: Ends the processes in which OpenVINO runs.
    """

    def __init__(self, names: Sequence[str], backends: Sequence[Backend], threads: int,
                 stack: ExitStack) -> None:
        self._dtypes = {name: dtype for name, dtype in TORCH.items() if name in names}
        self._has_onnxruntime = ONNXRUNTIME in names and has_packages(
            'onnxruntime int8', ('onnx', 'onnxruntime'))
        self._judge = backends[0]
        self._threads = threads
        variables: dict[str, dict[str, str]] = {}
        if OPENVINO in names and has_packages("OpenVINO's BinaryConvolution", ('openvino',)):
            variables[OPENVINO] = {}
            if any(backend.name == 'avx2' for backend in backends):
                variables[CAPPED] = {'ONEDNN_MAX_CPU_ISA': 'AVX2'}
        self._openvino = {name: WorkerProcess(BinaryChainRunner, threads, variables=own)
                          for name, own in variables.items()}
        for process in self._openvino.values():
            stack.callback(process.close)

    def of_torch(self, make: Callable[[torch.dtype], TorchFunction]) -> dict[str, Candidate]:
        """
        Return PyTorch's candidates.

        :param make: Returns what to time, for float32 or bfloat16.
        """
        return {name: timed(torch.inference_mode()(make(dtype)))
                for name, dtype in self._dtypes.items()}

    def of_layer(self, layer: Layer, data: LayerData) -> dict[str, Candidate]:
        """
        Return the baselines of a layer.

        :param data: Its input and weights.
        """
        candidates = self.of_torch(partial(_torch_convolution, layer, data))
        if self._has_onnxruntime:
            candidates[ONNXRUNTIME] = timed(Int8Convolution(layer, data, self._threads))
        return {**candidates, **self._openvino_of(layer)}

    def _openvino_of(self, layer: Layer) -> dict[str, Candidate]:
        """Return OpenVINO's layer, unless a chain of it computes something else than ours."""
        if not self._openvino:
            return {}
        chain = layer_chain(layer)
        data = [seeded_data(part, seed) for seed, part in enumerate(chain)]
        operations, expected = chained_layers(chain, data)
        self._judge.compile(operations)()
        weights = [(drawn.weight > 0).numpy() for drawn in data]
        real = data[0].real.contiguous().numpy()
        candidates = {}
        for name, process in self._openvino.items():
            if np.array_equal(process.call('load', chain, weights, real), expected.numpy()):
                candidates[name] = partial(process.call, 'run')
            else:
                print(f'{layer.name}: {name} computes something else than {self._judge.name}; '
                      'its time is left out', file=sys.stderr)
        return candidates


def _torch_convolution(layer: Layer, data: LayerData, dtype: torch.dtype) -> TorchFunction:
    """Return a convolution of -1 and +1, channels last."""
    signs, weight = (values.to(dtype).contiguous(memory_format=torch.channels_last)
                     for values in (torch.where(data.real >= 0, 1.0, -1.0), data.weight))
    return lambda: functional.conv2d(signs, weight, None, layer.stride, layer.kernel // 2)


def torch_module(module: nn.Module, source: Tensor, dtype: torch.dtype) -> TorchFunction:
    """
    Return a module's forward, channels last.

    :param module: In eval mode; it is left as it is.
    :param source: Its input, (N, C, H, W).
    """
    module = copy.deepcopy(module).to(dtype).to(memory_format=torch.channels_last)
    source = source.to(dtype).contiguous(memory_format=torch.channels_last)
    return lambda: module(source)

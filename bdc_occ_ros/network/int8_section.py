# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Real-valued layers computed on eight bits by onnxruntime, in place of their module."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TYPE_CHECKING

import numpy as np
import torch
from torch import nn, Tensor

from bdc_occ_ros.network.int8_layers import Int8Translation, TO_CHANNELS_FIRST, TO_CHANNELS_LAST
from bdc_occ_ros.network.int8_trace import observe, trace

if TYPE_CHECKING:
    import onnxruntime


@dataclass(frozen=True)
class SessionSettings:
    """
    How onnxruntime runs a section.

    :param num_threads: Threads of one operation.
    :param spins: Whether idle threads wait in a loop, which is a little quicker on an idle machine
        and ruinous on a busy one.
    :param profile_prefix: Where onnxruntime writes the time of every operation, or empty.
    """

    num_threads: int = 2
    spins: bool = False
    profile_prefix: str = ''


class Int8Section(nn.Module):
    """
    A module of real-valued layers on eight bits with ranges found beforehand.

    Maps pass as float32 channels last, without a copy where they come so; results are overwritten
    by the next call.

    :param module: What to replace: convolutions, batch norms, ReLU, Softplus, max pooling,
        upsampling, sums, concatenations, slices and softmax.
    :param samples: Inputs that show the ranges, at least one.
    :raises UnsupportedLayerError: if the module holds something else.
    """

    def __init__(self, module: nn.Module, samples: Sequence[tuple[Tensor, ...]],
                 settings: SessionSettings = SessionSettings()) -> None:
        super().__init__()
        graph = trace(module)
        translation = Int8Translation(graph, observe(graph, samples))
        self.session = make_session(translation.model, settings)
        self._inputs = translation.inputs
        self._outputs = {name: torch.empty(shape) for name, shape in translation.outputs.items()}
        self._binding = self.session.io_binding()
        for name, tensor in self._outputs.items():
            self._binding.bind_output(*_bound(name, tensor))

    def forward(self, *inputs: Tensor) -> Tensor | tuple[Tensor, ...]:
        """
        Compute what the module computes, to eight bits.

        :param inputs: The module's inputs, floating, of the samples' shapes.
        :return: The module's outputs, float32, valid until the next call.
        :raises ValueError: if a shape differs from that of the samples.
        """
        held = []
        for (name, shape), tensor in zip(self._inputs.items(), inputs, strict=True):
            tensor = _channels_last(tensor).float().contiguous()
            if tuple(tensor.shape) != shape:
                raise ValueError(f'{name} must be {shape} channels last; got '
                                 f'{tuple(tensor.shape)}')
            self._binding.bind_input(*_bound(name, tensor))
            held.append(tensor)
        self.session.run_with_iobinding(self._binding)
        results = tuple(tensor.permute(TO_CHANNELS_FIRST) if tensor.ndim == 4 else tensor
                        for tensor in self._outputs.values())
        return results if len(results) > 1 else results[0]


def make_session(model: bytes, settings: SessionSettings) -> 'onnxruntime.InferenceSession':
    """Load an ONNX model into onnxruntime."""
    import onnxruntime
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = settings.num_threads
    options.inter_op_num_threads = 1
    options.add_session_config_entry('session.intra_op.allow_spinning', str(int(settings.spins)))
    if settings.profile_prefix:
        options.enable_profiling = True
        options.profile_file_prefix = settings.profile_prefix
    return onnxruntime.InferenceSession(model, options, providers=['CPUExecutionProvider'])


def _channels_last(tensor: Tensor) -> Tensor:
    return tensor.permute(TO_CHANNELS_LAST) if tensor.ndim == 4 else tensor


def _bound(name: str, tensor: Tensor) -> tuple[Any, ...]:
    """Return the arguments that bind a float32 tensor."""
    return name, 'cpu', 0, np.float32, tuple(tensor.shape), tensor.data_ptr()

# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A plan with its memory, ready to be run by one call that allocates nothing."""

from collections.abc import Sequence

from torch import Tensor

from bdc_occ_ros.errors import InvalidOperationError
from bdc_occ_ros.kernels.arena import allocate_bits, allocate_real, lives_of
from bdc_occ_ros.kernels.backend import Backend
from bdc_occ_ros.kernels.operations import Buffer
from bdc_occ_ros.kernels.plan import Plan


class CompiledPlan:
    """
    A plan for one backend, with memory for all maps but inputs and outputs.

    :param plan: It must not change any more, and can be compiled once.
    :raises InvalidOperationError: if the backend refuses an operation.
    """

    def __init__(self, plan: Plan, backend: Backend) -> None:
        lives = lives_of(plan.operations)
        self._external = (*plan.inputs, *plan.outputs)
        self._dtypes = [plan.dtypes[buffer] for buffer in self._external]
        real = {buffer: plan.dtypes[buffer] for buffer in lives
                if not buffer.is_bits and buffer not in self._external}
        bits = [buffer for buffer in lives if buffer.is_bits]
        self.num_bytes = allocate_real(real, lives) + allocate_bits(bits, lives)
        self.output_shapes = [buffer.shape for buffer in plan.outputs]
        self.output_dtypes = self._dtypes[len(plan.inputs):]
        self._run = backend.compile(plan.operations)

    def __call__(self, inputs: Sequence[Tensor], outputs: Sequence[Tensor]) -> None:
        """
        Run once.

        :param inputs: Contiguous (N, H, W, C) per declared input, in that order.
        :param outputs: The same per declared output; written.
        :raises InvalidOperationError: if a tensor is not what was declared.
        """
        given = (*inputs, *outputs)
        if len(given) != len(self._external):
            raise InvalidOperationError(f'a plan needs {len(self._external)} inputs and outputs; '
                                        f'got {len(given)}')
        for buffer, dtype, tensor in zip(self._external, self._dtypes, given):
            _check(buffer, dtype, tensor)
            buffer.tensor = tensor
        try:
            self._run()
        finally:
            for buffer in self._external:
                buffer.tensor = None


def _check(buffer: Buffer, dtype: object, tensor: Tensor) -> None:
    """Refuse a tensor that is not what the plan was recorded for."""
    if tuple(tensor.shape) != buffer.shape or tensor.dtype != dtype or (
            not tensor.is_contiguous()):
        raise InvalidOperationError(
            f'a plan takes contiguous maps (N, H, W, C), here {buffer.shape} of {dtype}; got '
            f'{tuple(tensor.shape)} of {tensor.dtype} with strides {tensor.stride()}; permute a '
            'channels_last tensor, or record another plan')

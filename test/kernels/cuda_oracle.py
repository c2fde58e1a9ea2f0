# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Compute the integers of a convolution on a GPU by plain bit counting."""

import torch
from torch import Tensor

from bdc_occ_ros.kernels.cuda_backend import CudaLowering
from bdc_occ_ros.kernels.library import CudaLibrary
from bdc_occ_ros.kernels.operations import Convolution


def count_bits(operation: Convolution, library: CudaLibrary) -> Tensor:
    """
    Convolve tap after tap and word after word; taps outside the image are left out.

    :param operation: Its tensors lie on one GPU; outputs are not written.
    :return: (N, ceil(H / stride), ceil(W / stride), Co) int32, on the current stream.
    :raises InvalidOperationError: if the operation is refused.
    """
    device = operation.weights.device
    batch, height, width, _ = operation.input.buffer.shape
    out = torch.empty((batch, -(-height // operation.stride), -(-width // operation.stride),
                       operation.weights.shape[0]), dtype=torch.int32, device=device)
    lowering = CudaLowering(device)
    structure = lowering.lower(operation)
    stream = torch.cuda.current_stream(device).cuda_stream
    library.check(library.call('count', structure, operation.weights.data_ptr(), out.data_ptr(),
                               device.index, stream))
    return out

# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What follows a product at the same pixel, as the reference computes it."""

import torch
from torch import Tensor

from bdc_occ_ros.kernels.operations import Epilogue
from bdc_occ_ros.kernels.reference_maps import activate, read, write, write_signs


def finish(products: Tensor, epilogue: Epilogue) -> None:
    """
    Make the outputs of a convolution from its result.

    :param products: (N, H, W, Co) float32.
    :param epilogue: What to do with it.
    """
    values = activate(epilogue.scale * products + epilogue.offset, epilogue.activation)
    if epilogue.sums is not None:
        epilogue.sums.copy_(_row_sums(values))
    if epilogue.gate is not None:
        values = epilogue.gate[:, None, None] * values
    if epilogue.shortcut is not None:
        values = values + _shortcut(epilogue)
    write(epilogue.output, values)
    write_signs(epilogue.bits, values, epilogue.sign)


def _row_sums(values: Tensor) -> Tensor:
    """Sum (N, H, W, C) over each row from left to right."""
    sums = torch.zeros_like(values[:, :, 0])
    for column in values.unbind(dim=2):
        sums = sums + column
    return sums


def _shortcut(epilogue: Epilogue) -> Tensor:
    """Read the shortcut, repeat its channels as often as needed, scale and shift it."""
    values = read(epilogue.shortcut)
    values = values.repeat(1, 1, 1, len(epilogue.scale) // values.shape[-1])
    if epilogue.shortcut_scale is None:
        return values
    return values * epilogue.shortcut_scale + epilogue.shortcut_offset

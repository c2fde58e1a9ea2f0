# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What a trained unit becomes on bits; folding.py works it out."""

from dataclasses import dataclass

from torch import Tensor

from bdc_occ_ros.kernels.operations import Activation, BranchLayer, IntegerSign, Sign


@dataclass(frozen=True, eq=False)
class FoldedConvolution:
    """
    A convolution and what follows it up to the next sum or sign.

    :param weights: (Co, k, k, words(Ci)) int32; (Co, words(Ci)) where the input is real.
    :param scale: (Co,) float32, or None with integer_sign.
    :param offset: (Co,) float32, or None with integer_sign.
    :param activation: RPReLU, or None with integer_sign.
    :param integer_sign: All that follows, where that is the next convolution's sign.
    """

    weights: Tensor
    scale: Tensor | None = None
    offset: Tensor | None = None
    activation: Activation | None = None
    integer_sign: IntegerSign | None = None


@dataclass(frozen=True, eq=False)
class FoldedUnit:
    """
    The packed parameters of a BDC unit.

    :param sign: Of the unit's input.
    :param spatial: The 3x3 convolution.
    :param point_sign: Of the real values that enter the 1x1; None without 1x1, where it takes
        real values, and where spatial has an integer sign.
    :param point: The 1x1 convolution; None in V0.
    :param branch: Layers of the channel branch; V2 applies them at every pixel.
    :param shortcut_scale: (Co,) float32, normalization of the identity path, or None.
    :param shortcut_offset: (Co,) float32, with shortcut_scale.
    :param last_activation: Of the sum with the identity path; None where RPReLU stands before it.
    """

    sign: Sign
    spatial: FoldedConvolution
    point_sign: Sign | None
    point: FoldedConvolution | None
    branch: tuple[BranchLayer, ...]
    shortcut_scale: Tensor | None
    shortcut_offset: Tensor | None
    last_activation: Activation | None

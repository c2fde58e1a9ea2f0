# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Configure binarizers and the units that are built with them."""

from dataclasses import dataclass
from typing import Literal

from bdc_occ_ros.errors import InvalidConfigError


@dataclass(frozen=True)
class BinarizerConfig:
    """
    Configure the operations around a sign; the defaults are those of BDC and BiSRNet.

    Version 0 of the unit with shift, polynomial and after_sum is ReActNet's (arXiv:2003.03488),
    with shift, clip and before_sum BBCU's.

    :param before_sign: What is learned per channel before a sign: scale_and_shift (k x + b),
        shift (x + b) or nothing.
    :param sign_gradient: Surrogate for the derivative of the sign: tanh, that of
        tanh(beta x) with beta learned; polynomial, 2 - 2 |x| within [-1, 1]; clip, 1 there.
    :param activation: Whether RPReLU applies before_sum, to the convolution's result alone, or
        after_sum, to what the unit returns.
    """

    before_sign: Literal['scale_and_shift', 'shift', 'nothing'] = 'scale_and_shift'
    sign_gradient: Literal['tanh', 'polynomial', 'clip'] = 'tanh'
    activation: Literal['before_sum', 'after_sum'] = 'before_sum'


@dataclass(frozen=True)
class UnitConfig:
    """
    Configure how a BDC unit computes; see binary/bdc_unit.py.

    :param version: 0 to 3, the steps V0 to V3 of the paper's ablation.
    :param is_binary: False keeps the structure in full precision.
    :param binarizer: How signs are taken, and where RPReLU applies.
    :param with_bn: Whether batch normalization follows the convolutions.
    :param with_identity_bn: Whether one stands in the identity path too, as the authors have it.
    :param sign_of_zero: 0 is torch.sign, as the authors train; 1 is that of a packed bit.
    :param activation_before_1x1: real as the authors do, or sign for a strictly binary unit.
    :param activation_in_branch: The same for the channel branch.
    :param num_branch_layers: 1x1 convolutions in the branch, at least 1.
    :param has_inner_shortcut: Whether an identity leads round the 3x3 convolution as well.
    """

    version: Literal[0, 1, 2, 3] = 3
    is_binary: bool = True
    binarizer: BinarizerConfig = BinarizerConfig()
    with_bn: bool = False
    with_identity_bn: bool = False
    sign_of_zero: Literal[0, 1] = 1
    activation_before_1x1: Literal['real', 'sign'] = 'sign'
    activation_in_branch: Literal['real', 'sign'] = 'sign'
    num_branch_layers: int = 2
    has_inner_shortcut: bool = False

    def __post_init__(self) -> None:
        if self.num_branch_layers < 1:
            raise InvalidConfigError(
                f'unit: num_branch_layers must be at least 1; got {self.num_branch_layers}')
        if self.version > 0 and self.binarizer.activation == 'after_sum':
            raise InvalidConfigError(
                'unit: activation after_sum is for units of one convolution, version 0; got '
                f'version {self.version}')

# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Fold trained units into packed parameters: words, scales and thresholds, worked out in float64.

With d the integer result of a binary convolution, alpha the scale of its weights and mu, v, gamma,
beta, eps of the normalization behind it: y = scale d + offset with
scale = alpha gamma / sqrt(v + eps) and offset = beta - mu gamma / sqrt(v + eps).

The bit of k x + b is that of x against a threshold, flipped where k < 0. Where nothing but a sign
follows the integer (3x3 to 1x1 without inner shortcut), scale, offset, RPReLU and redistribution
all become thresholds of d. An RPReLU has one kink, and every written operation is monotonic on
either side of it, rounding included: the sign changes at most twice over all d.
"""

from dataclasses import dataclass

import torch
from torch import nn, Tensor

from bdc_occ_ros.binary.bdc_unit import BdcUnit
from bdc_occ_ros.binary.layers import BinaryConv2d, Redistribution, RPReLU
from bdc_occ_ros.errors import FoldingError
from bdc_occ_ros.kernels.conventions import NEVER, pack_bits, pack_weights
from bdc_occ_ros.kernels.operations import Activation, BranchLayer, IntegerSign, Sign

CHANNELS_AT_ONCE = 64
LARGEST = torch.finfo(torch.float32).max


@dataclass(frozen=True, eq=False)
class FoldedConvolution:
    """
    Hold a folded convolution and what follows it up to the next sum or sign.

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
    Hold the packed parameters of a BDC unit.

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


def fold_unit(unit: BdcUnit) -> FoldedUnit:
    """
    Fold a trained unit; on device meta the result has shapes and no values.

    :param unit: Binary; with running statistics where it normalizes.
    :raises FoldingError: if the unit is not binary, or a number is not finite or does not fit
        into float32.
    """
    if not isinstance(unit.binary_conv_relu[0], BinaryConv2d):
        raise FoldingError('only binary units can be packed; this one has is_binary: false')
    unfit = [name for name, tensor in unit.state_dict().items()
             if tensor.is_floating_point() and not _is_finite(tensor)]
    if unfit:
        raise FoldingError(f'a unit has numbers that are not finite: {unfit[:3]}')
    convolution, norm, activation, *last = unit.binary_conv_relu
    point_sign = integer_sign = None
    if last and last[0].is_input_binary:
        if unit.has_inner_shortcut:
            point_sign = fold_sign(*_moved(unit.move1, last[0]))
        else:
            integer_sign = fold_integer_sign(convolution, norm, activation,
                                             *_moved(unit.move1, last[0]))
    spatial = (_folded_convolution(convolution, norm, None if unit.bends_sum else activation)
               if integer_sign is None else
               FoldedConvolution(pack_weights(convolution.weight), integer_sign=integer_sign))
    scale = offset = None
    if isinstance(unit.bn_fp, nn.BatchNorm2d):
        scale, offset = map(_to_float, _normalization(unit.bn_fp))
    return FoldedUnit(
        fold_sign(*_moved(unit.move0, convolution)), spatial, point_sign,
        _folded_convolution(*last) if last else None,
        _folded_branch(unit.se_block.fc) if unit.version > 1 else (), scale, offset,
        _folded_activation(activation) if unit.bends_sum else None)


def fold_sign(k: Tensor, b: Tensor) -> Sign:
    """
    Fold k x + b >= 0 into a threshold, the smallest float32 at which the bit changes.

    k x + b is exact enough for that in float64: the product of two float32 is, and the sum rounds
    to a number of the true sign. Where no finite x changes the bit the threshold is +inf, or the
    lowest float32 where every finite x does.

    :param k: (C,) float64, numbers of float32.
    :param b: (C,) float64, numbers of float32.
    """
    nearest = (-b / k).clamp(-LARGEST, LARGEST).float() + 0.0  # adding zero turns -0 into +0
    never = torch.full_like(nearest, torch.inf)
    threshold = never
    for candidate in (torch.nextafter(nearest, never), nearest):  # the smallest fitting one last
        is_positive = k * candidate.double() + b >= 0
        threshold = torch.where(is_positive == (k > 0), candidate, threshold)
    flip = torch.where(k == 0, b >= 0, k < 0)
    return Sign(torch.where(k == 0, never, threshold), pack_bits(flip))


def fold_integer_sign(convolution: BinaryConv2d, norm: nn.Module, activation: RPReLU,
                      k: Tensor, b: Tensor) -> IntegerSign:
    """
    Fold all between a convolution and the next sign into thresholds of the integer result.

    The float64 function is evaluated at every integer that the convolution can give.

    :param convolution: Gives d, from -K to K.
    :param norm: BatchNorm2d or Identity.
    :param k: Of the next sign, (C,) float64.
    :param b: Of the next sign, (C,) float64.
    :raises FoldingError: if the sign changes more than twice.
    """
    scale, offset = _scale_and_offset(convolution, norm)
    vectors = torch.stack((scale, offset, *_bends(activation), k, b))
    reach = convolution.weight[0].numel()
    d = torch.arange(-reach, reach + 1, dtype=torch.float64, device=scale.device)
    lows, highs, flips = zip(*(_changes(d, chunk) for chunk
                               in vectors.split(CHANNELS_AT_ONCE, dim=1)))
    return IntegerSign(torch.cat(lows), torch.cat(highs), pack_bits(torch.cat(flips)))


def count_zeros(unit: BdcUnit) -> dict[str, int]:
    """
    Count what has no sign: exact zeros of b, and of weights, which a bit calls +1.

    :return: Number of zeros by the parameter's name in the unit.
    """
    counts = {}
    for name, module in unit.named_modules():
        if isinstance(module, Redistribution):
            counts[f'{name}.b'] = int((module.b == 0).sum())
        elif isinstance(module, BinaryConv2d):
            counts[f'{name}.weight'] = int((module.weight == 0).sum())
    return counts


def _changes(d: Tensor, vectors: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return where the sign changes first and second, and what it is at the lowest integer."""
    scale, offset, before, slope, after, k, b = vectors.unsqueeze(-1)
    t = scale * d + offset + before
    t = torch.where(t < 0, slope * t, t) + after
    bits = k * t + b >= 0
    changes = bits[:, 1:] != bits[:, :-1]
    count = changes.sum(dim=1)
    if not count.is_meta and count.max() > 2:
        raise FoldingError(f'a sign changes {int(count.max())} times over the integers; two '
                           'thresholds can only express two changes')
    at = changes.to(torch.uint8)
    first = d[1:][at.argmax(dim=1)].to(torch.int32)
    last = d.flip(0)[at.flip(1).argmax(dim=1)].to(torch.int32)
    return (torch.where(count > 0, first, NEVER), torch.where(count > 1, last, NEVER), bits[:, 0])


def _moved(move: nn.Module, convolution: BinaryConv2d) -> tuple[Tensor, Tensor]:
    """Return k and b before the sign that a convolution takes, (C,) float64."""
    zeros = convolution.weight.new_zeros(convolution.in_channels, dtype=torch.float64)
    if not isinstance(move, Redistribution):
        return zeros + 1, zeros
    return zeros + 1 if move.k is None else _vector(move.k), _vector(move.b)


def _folded_convolution(convolution: BinaryConv2d, norm: nn.Module,
                        activation: RPReLU | None) -> FoldedConvolution:
    """Fold a convolution whose result is needed as a real number."""
    weights = pack_weights(convolution.weight)
    if not convolution.is_input_binary:
        weights = weights.flatten(1)
    scale, offset = map(_to_float, _scale_and_offset(convolution, norm))
    return FoldedConvolution(weights, scale, offset,
                             None if activation is None else _folded_activation(activation))


def _folded_branch(layers: nn.Sequential) -> tuple[BranchLayer, ...]:
    """Fold a channel branch: every convolution with what stands before it."""
    folded = []
    activation, move = None, nn.Identity()
    for layer in layers:
        if isinstance(layer, RPReLU):
            activation = _folded_activation(layer)
        elif isinstance(layer, Redistribution):
            move = layer
        elif isinstance(layer, BinaryConv2d):
            sign = fold_sign(*_moved(move, layer)) if layer.is_input_binary else None
            folded.append(BranchLayer(pack_weights(layer.weight).flatten(1),
                                      _to_float(_alpha(layer)), activation, sign))
    return tuple(folded)


def _folded_activation(activation: RPReLU) -> Activation:
    return Activation(*map(_to_float, _bends(activation)))


def _bends(activation: RPReLU) -> tuple[Tensor, Tensor, Tensor]:
    """Return before, slope and after of an RPReLU, (C,) float64."""
    return (_vector(activation.pr_bias0.bias), _vector(activation.pr_prelu.weight),
            _vector(activation.pr_bias1.bias))


def _scale_and_offset(convolution: BinaryConv2d, norm: nn.Module) -> tuple[Tensor, Tensor]:
    """Return scale and offset that dequantize the integer result, each (Co,) float64."""
    alpha = _alpha(convolution)
    if not isinstance(norm, nn.BatchNorm2d):
        return alpha, torch.zeros_like(alpha)
    scale, offset = _normalization(norm)
    return alpha * scale, offset


def _normalization(norm: nn.BatchNorm2d) -> tuple[Tensor, Tensor]:
    """Return scale and offset of a normalization by running statistics, (C,) float64."""
    scale = _vector(norm.weight) / torch.sqrt(_vector(norm.running_var) + norm.eps)
    return scale, _vector(norm.bias) - _vector(norm.running_mean) * scale


def _alpha(convolution: BinaryConv2d) -> Tensor:
    """Return the scale of every output channel's weights, (Co,) float64."""
    return convolution.weight.detach().double().abs().mean(dim=(1, 2, 3))


def _vector(parameter: Tensor) -> Tensor:  # (C,) float64
    return parameter.detach().double().flatten()


def _to_float(vector: Tensor) -> Tensor:
    """Round to float32 and refuse what does not fit."""
    rounded = vector.float()
    if not _is_finite(rounded):
        raise FoldingError('a folded scale or offset is not finite in float32: is a running '
                           'variance negative, or a scale beyond 3e38?')
    return rounded


def _is_finite(tensor: Tensor) -> bool:
    return tensor.is_meta or bool(torch.isfinite(tensor).all())

# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Count what a network costs: parameters, multiply-adds by kind and bytes, on meta tensors.

Three conventions turn the counts into the two numbers that tables print:

deployable    bits count as bits: parameters are full-precision ones plus 1-bit ones / 32, a
              1-bit x 1-bit multiply-add counts 1/64, a 1-bit x real one counts whole, because no
              popcount can compute it.
conventional  parameters as above, but every multiply-add of a binary convolution counts 1/64.
authors       the counter behind the published tables (mmcv's get_model_complexity_info): it knows
              layers by their exact type, so binary convolutions cost nothing at all, while
              normalizations, activations, pooling and upsampling cost 1 or 2 per element.

Not counted: the splat (at most depth bins x context channels multiply-adds per feature cell) and,
outside the authors' convention, everything elementwise.
"""

from dataclasses import dataclass, fields

import torch
from torch import nn, Tensor

from bdc_occ_ros.binary.bdc_unit import BdcUnit
from bdc_occ_ros.binary.blocks import BinaryBlock
from bdc_occ_ros.binary.layers import BinaryConv2d, PReLU
from bdc_occ_ros.network.config import NetworkConfig
from bdc_occ_ros.network.network import validate_architecture

BITS_PER_WORD = 32
POPCOUNT_SPEEDUP = 64


@dataclass(frozen=True)
class Cost:
    """
    Add up parameters and multiply-adds of modules.

    :param params_full: Full-precision parameters outside the units.
    :param params_small: Full-precision parameters of the units: shifts, slopes, normalizations.
    :param params_1bit: Weights of binary convolutions.
    :param macs_full: Of full-precision layers.
    :param macs_1bit: Of 1-bit weights and 1-bit activations.
    :param macs_mixed: Of 1-bit weights and real activations.
    :param authors_params: What the authors' counter sees, as authors_ops.
    """

    params_full: int = 0
    params_small: int = 0
    params_1bit: int = 0
    macs_full: int = 0
    macs_1bit: int = 0
    macs_mixed: int = 0
    authors_params: int = 0
    authors_ops: int = 0

    def __add__(self, other: 'Cost') -> 'Cost':
        return Cost(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(Cost)))

    @property
    def params(self) -> int:
        """Return all parameters, as a training checkpoint holds them."""
        return self.params_full + self.params_small + self.params_1bit

    @property
    def packed_bytes(self) -> int:
        """Return bytes: a bit per binary weight, float32 for the rest; scales fold into it."""
        return 4 * (self.params_full + self.params_small) + -(-self.params_1bit // 8)

    def headlines(self) -> dict[str, tuple[float, float]]:
        """Return the parameters and operations that a table prints, by convention."""
        params = self.params_full + self.params_small + self.params_1bit / BITS_PER_WORD
        bits = self.macs_1bit / POPCOUNT_SPEEDUP
        return {
            'deployable': (params, self.macs_full + bits + self.macs_mixed),
            'conventional': (params, self.macs_full + bits + self.macs_mixed / POPCOUNT_SPEEDUP),
            'authors': (self.authors_params, self.authors_ops)}


def _count_params(module: nn.Module) -> Cost:
    """Count the parameters of a module and of all inside it."""
    units = [m for m in module.modules() if isinstance(m, (BdcUnit, BinaryBlock))]
    convolutions = {id(m.weight) for m in module.modules() if isinstance(m, nn.Conv2d)}
    bits = {id(m.weight) for m in module.modules() if isinstance(m, BinaryConv2d)}
    in_units = {id(p) for unit in units for p in unit.parameters()}
    sizes = {id(p): p.numel() for p in module.parameters()}
    small = in_units - convolutions
    num_bits, num_small = (sum(sizes[key] for key in keys) for keys in (bits, small))
    return Cost(params_full=sum(sizes.values()) - num_bits - num_small, params_small=num_small,
                params_1bit=num_bits)


def _authors_ops(layer: nn.Module, x: Tensor, result: Tensor) -> int | None:
    """Return what the authors' counter gives a layer, or None where it does not know the type."""
    kind = type(layer)
    if kind is nn.Conv2d:
        macs = result.numel() * layer.weight[0].numel()
        return macs + (result.numel() if layer.bias is not None else 0)
    if kind is nn.Linear:
        return x.numel() * layer.out_features
    if kind is nn.BatchNorm2d:
        return 2 * x.numel()
    if kind in (nn.ReLU, PReLU, nn.MaxPool2d, nn.AvgPool2d, nn.AdaptiveAvgPool2d):
        return x.numel()
    return result.numel() if kind is nn.Upsample else None


def _layer_cost(layer: nn.Module, x: Tensor, result: Tensor) -> Cost:
    """Count the operations of one call of a layer without children."""
    ops = _authors_ops(layer, x, result) or 0
    if not isinstance(layer, (nn.Conv2d, nn.Linear)):
        return Cost(authors_ops=ops)
    macs = result.numel() * layer.weight[0].numel()
    kind = 'macs_full'
    if isinstance(layer, BinaryConv2d):
        kind = 'macs_1bit' if layer.is_input_binary else 'macs_mixed'
    return Cost(authors_ops=ops, **{kind: macs})


def profile_network(config: NetworkConfig, num_cameras: int = 6) -> dict[str, Cost]:
    """Count one pass for one set of images, by module of the network in the order of the flow."""
    network = validate_architecture(config)
    with torch.device('meta'):
        images = torch.empty(1, num_cameras, 3, config.image.height_px, config.image.width_px)
        rays = torch.empty(1, num_cameras, config.depth.num_bins, *config.feature_shape, 3)
    stages = {name: module for name, module in network.named_children()
              if next(module.parameters(), None) is not None}
    costs = {name: _count_params(module) for name, module in stages.items()}

    def count(name: str, layer: nn.Module, x: Tensor, result: Tensor) -> None:
        is_known = _authors_ops(layer, x, result) is not None and layer not in seen
        seen.add(layer)
        params = sum(p.numel() for p in layer.parameters()) if is_known else 0
        costs[name] += _layer_cost(layer, x, result) + Cost(authors_params=params)

    seen: set[nn.Module] = set()
    for name, module in stages.items():
        for layer in module.modules():
            if not list(layer.children()):
                layer.register_forward_hook(
                    lambda layer, args, result, name=name: count(name, layer, args[0], result))
    with torch.no_grad():
        network(images, rays)
    return costs


def total_cost(costs: dict[str, Cost]) -> Cost:
    """Add up the modules."""
    return sum(costs.values(), Cost())

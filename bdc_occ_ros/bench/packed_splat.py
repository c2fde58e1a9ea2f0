# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The splat of the published network as an operation and as PyTorch computes it."""

from collections.abc import Callable

import torch
from torch import Tensor

from bdc_occ_ros.bench.rig import rig_rays
from bdc_occ_ros.kernels.operations import Buffer, Map, Operation, Splat
from bdc_occ_ros.kernels.reference import ReferenceBackend
from bdc_occ_ros.network.config import load_network_config
from bdc_occ_ros.network.depth_to_bev import lift_to_bev
from bdc_occ_ros.network.packed_lift import splat_table

MODEL = 'bdc_occ_b'


class SeededSplat:
    """Depth probabilities and context of six cameras."""

    def __init__(self, seed: int = 0) -> None:
        self._config = load_network_config(MODEL)
        self._rays_m = rig_rays(self._config)
        shape, channels = self._rays_m.shape[:4], self._config.context_channels
        generator = torch.Generator().manual_seed(seed)
        self._probability = torch.rand(shape, generator=generator).softmax(dim=1)
        self._context = torch.randn((shape[0], *shape[2:], channels), generator=generator)
        self.shape = 'x'.join(map(str, (*shape, channels)))

    def operations(self) -> list[Operation]:
        """Return the splat with its table filled."""
        bev = self._config.bev
        table = splat_table(self._rays_m, bev)
        ReferenceBackend().compile([table])()
        context, output = (Map(Buffer(tuple(tensor.shape), tensor=tensor)) for tensor in (
            self._context, torch.empty((1, *bev.shape, self._context.shape[-1]))))
        return [Splat(table, self._probability, context, output)]

    def torch_lift(self, dtype: torch.dtype) -> Callable[[], Tensor]:
        """
        Return the same in PyTorch, cells worked out each time.

        :param dtype: float32 or bfloat16.
        """
        probability = self._probability[None].to(dtype)
        context = self._context.permute(0, 3, 1, 2)[None].to(dtype)
        rays_m = self._rays_m[None]
        return torch.inference_mode()(
            lambda: lift_to_bev(context, probability, rays_m, self._config.bev))

# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A full-precision network on eight bits: two onnxruntime sessions, lift and labels between."""

from collections import OrderedDict

import torch
from torch import nn
from torch import Tensor

from bdc_occ_ros.config import BevConfig
from bdc_occ_ros.kernels.backend import Backend
from bdc_occ_ros.kernels.operations import Buffer
from bdc_occ_ros.kernels.operations import Labels
from bdc_occ_ros.kernels.operations import Map
from bdc_occ_ros.kernels.operations import Splat
from bdc_occ_ros.kernels.operations import SplatTable
from bdc_occ_ros.network.bev_to_occupancy import OccupancyHead
from bdc_occ_ros.network.int8_layers import TO_CHANNELS_FIRST
from bdc_occ_ros.network.int8_layers import TO_CHANNELS_LAST
from bdc_occ_ros.network.int8_section import Int8Section
from bdc_occ_ros.network.int8_section import SessionSettings
from bdc_occ_ros.network.network import OccupancyNetwork


def image_part(network: OccupancyNetwork) -> nn.Sequential:
    """
    Return the layers from images to depth probability and context.

    :param network: Any whose image part is real-valued.
    """
    return nn.Sequential(OrderedDict(
        image_backbone=network.img_backbone, image_neck=network.img_neck,
        depth=network.img_view_transformer))


def occupancy_layers(head: OccupancyHead) -> nn.Sequential:
    """
    Return a head as convolutions, (B, C, Y, X) to (B, Z K, Y, X): the axes turn behind it.

    :param head: The published head with a real-valued first module.
    """
    first, softplus, last = head.predicter
    return nn.Sequential(head.final_conv, _as_convolution(first), softplus, _as_convolution(last))


def _as_convolution(linear: nn.Linear) -> nn.Conv2d:
    convolution = nn.Conv2d(linear.in_features, linear.out_features, 1)
    convolution.weight.data = linear.weight.data[:, :, None, None]
    convolution.bias.data = linear.bias.data
    return convolution


class Int8Network:
    """
    Normalized images to labels on eight bits; lift and labels are the bit engine's.

    Two sessions, one on either side of the lift, let onnxruntime keep eight bits and a layout of
    its own from layer to layer.

    :param network: Real-valued, of the published layout, with an occupancy head.
    :param images: Normalized images that show the ranges, (N, 3, H, W).
    :param ray_points_m: (N, D, h, w, 3) float32, metres, key ego frame.
    :param backend: Runs lift and labels.
    :param settings: Threads of onnxruntime.
    """

    def __init__(self, network: OccupancyNetwork, images: Tensor, ray_points_m: Tensor,
                 backend: Backend, settings: SessionSettings) -> None:
        heads = nn.Sequential(OrderedDict(
            bev_backbone=network.img_bev_encoder_backbone, bev_neck=network.img_bev_encoder_neck,
            occupancy=occupancy_layers(network.occ_head)))
        self.image_section = Int8Section(image_part(network), [(images,)], settings)
        depth_probability, context = self.image_section(images)
        self._depth_probability = depth_probability.contiguous()
        bev = torch.empty(1, *network.config.bev.shape, context.shape[1])
        table = splat_table(ray_points_m, network.config.bev)
        backend.compile([table])()
        self._splat = backend.compile([Splat(
            table, self._depth_probability, _map(context.permute(TO_CHANNELS_LAST)), _map(bev))])
        self._splat()
        self._bev = bev.permute(TO_CHANNELS_FIRST)
        self.bev_section = Int8Section(heads, [(self._bev,)], settings)
        scores = self.bev_section(self._bev).permute(TO_CHANNELS_LAST)
        occupancy = network.config.occupancy
        self._labels = torch.empty((*scores.shape[:3], occupancy.num_heights), dtype=torch.uint8)
        self._label = backend.compile([
            Labels(_map(scores), occupancy.num_classes, self._labels)])

    def look(self, images: Tensor) -> None:
        """
        Compute depth and context.

        :param images: Normalized, (N, 3, H, W).
        """
        self._depth_probability.copy_(self.image_section(images)[0])

    def lift(self) -> None:
        """Spread the context over the grid."""
        self._splat()

    def understand(self) -> None:
        """Compute class scores from the grid."""
        self.bev_section(self._bev)

    def labels(self) -> Tensor:
        """
        Choose the class of every voxel.

        :return: (X, Y, Z) uint8, valid until the next call.
        """
        self._label()
        return self._labels[0].transpose(0, 1)

    def __call__(self, images: Tensor) -> Tensor:
        """
        Compute the class grid.

        :param images: Normalized, (N, 3, H, W).
        :return: (X, Y, Z) uint8, valid until the next call.
        """
        self.look(images)
        self.lift()
        self.understand()
        return self.labels()


def splat_table(ray_points_m: Tensor, bev: BevConfig) -> SplatTable:
    """
    Return a table still to be filled.

    :param ray_points_m: (N, D, h, w, 3) float32, metres, key ego frame.
    :param bev: The grid.
    """
    ranges = (bev.x_range_m, bev.y_range_m, bev.z_range_m)
    rows, columns = bev.shape
    num_points = ray_points_m.numel() // 3
    starts, points, pixels = (torch.empty(size, dtype=torch.int32)
                              for size in (rows * columns + 1, num_points, num_points))
    return SplatTable(
        ray_points_m.contiguous(), tuple(low for low, _ in ranges),
        (*bev.cell_size_m, bev.z_range_m[1] - bev.z_range_m[0]), bev.shape, starts, points, pixels)


def _map(tensor: Tensor) -> Map:
    """Return a map over memory that exists, (N, H, W, C)."""
    return Map(Buffer(tuple(tensor.shape), tensor=tensor))

# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Lift and splat on the bit engine: a table of the points in each cell, then sums by cell."""

from collections.abc import Callable
import math

import torch
from torch import Tensor

from bdc_occ_ros.binary.engine_module import EngineModule
from bdc_occ_ros.geometry.voxel_grid import BevConfig
from bdc_occ_ros.kernels.conventions import TO_CHANNELS_FIRST
from bdc_occ_ros.kernels.operations import Backend, Buffer, Map, Splat, SplatTable


def splat_table(points_m: Tensor, bev: BevConfig) -> SplatTable:
    """
    Return a table still to be filled.

    :param points_m: (N, D, h, w, 3) float32, contiguous, metres, key ego frame.
    """
    ranges = (bev.x_range_m, bev.y_range_m, bev.z_range_m)
    num_points = points_m.numel() // 3
    starts, points, pixels = (torch.zeros(size, dtype=torch.int32)
                              for size in (math.prod(bev.shape) + 1, num_points, num_points))
    return SplatTable(
        points_m, tuple(low for low, _ in ranges),
        (*bev.cell_size_m, bev.z_range_m[1] - bev.z_range_m[0]), bev.shape, starts, points, pixels)


class SampleLift:
    """
    Lift and splat one sample, with its table.

    :param shape: N, D, h, w and C.
    :param dtype: Of the BEV features.
    """

    def __init__(self, bev: BevConfig, shape: tuple[int, ...], dtype: torch.dtype,
                 backend: Backend) -> None:
        *points_shape, channels = shape
        cameras, _, height, width = points_shape
        self._points_m = torch.full((*points_shape, 3), torch.nan)
        self._probability = torch.zeros(points_shape)
        self._context = Buffer((cameras, height, width, channels))
        self._context.tensor = torch.zeros(self._context.shape)
        self._output = Buffer((1, *bev.shape, channels))
        self._dtype = dtype
        table = splat_table(self._points_m, bev)
        self._fill_table: Callable[[], None] = backend.compile([table])
        self._splat: Callable[[], None] = backend.compile([
            Splat(table, self._probability, Map(self._context), Map(self._output))])

    def __call__(self, context: Tensor, probability: Tensor, points_m: Tensor) -> Tensor:
        """
        Lift and splat.

        Probability and context are copied, because the layers before leave them interleaved.

        :param context: (N, C, h, w) floating.
        :param probability: (N, D, h, w) floating.
        :param points_m: (N, D, h, w, 3) float32; the table is made anew where they differ from
            those of the call before.
        :return: (C, Y, X), channels last.
        """
        if not torch.equal(points_m, self._points_m):
            self._points_m.copy_(points_m)
            self._fill_table()
        self._probability.copy_(probability)
        self._context.tensor.permute(TO_CHANNELS_FIRST).copy_(context)
        self._output.tensor = self._points_m.new_empty(self._output.shape, dtype=self._dtype)
        self._splat()
        result, self._output.tensor = self._output.tensor, None
        return result.permute(TO_CHANNELS_FIRST)[0]


class PackedLift(EngineModule):
    """
    Compute `lift_to_bev` without the product of depth and context in memory.

    :param output_dtype: Of the BEV features.
    """

    def __init__(self, bev: BevConfig, output_dtype: torch.dtype) -> None:
        super().__init__()
        self.bev = bev
        self.output_dtype = output_dtype

    @torch.no_grad()
    def forward(self, context: Tensor, depth_probability: Tensor, ray_points_m: Tensor) -> Tensor:
        """
        Return `lift_to_bev` of the arguments, (B, C, Y, X), channels_last.

        :raises ValueError: if the shapes disagree.
        """
        shape = (*depth_probability.shape[1:], context.shape[2])
        if tuple(ray_points_m.shape) != (*depth_probability.shape, 3):
            raise ValueError(
                f'the lift needs a ray point per depth, {(*depth_probability.shape, 3)}; got '
                f'{tuple(ray_points_m.shape)}')
        samples = [self._sample_lift(index, shape, context.device)(*sample)
                   for index, sample in enumerate(zip(context, depth_probability, ray_points_m))]
        return samples[0][None] if len(samples) == 1 else torch.stack(samples)

    def _sample_lift(self, index: int, shape: tuple[int, ...],
                     device: torch.device) -> SampleLift:
        """Return what lifts the sample of an index; a rig of another size replaces it."""
        known, lift = self._compiled.get(index, (None, None))
        if known != shape:
            with torch.inference_mode(False), device:
                lift = SampleLift(self.bev, shape, self.output_dtype, self.backend)
            self._compiled[index] = shape, lift
        return lift

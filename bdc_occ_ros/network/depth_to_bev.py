# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Lift and splat image features along their rays into the bird's-eye grid."""

import torch
from torch import nn, Tensor

from bdc_occ_ros.geometry.voxel_grid import BevConfig


def bev_cells(ray_points_m: Tensor, bev: BevConfig) -> Tensor:
    """
    Return the grid cell of every point.

    Indices are truncated toward zero as in the published networks, so the points up to one cell
    below the lower bound of an axis, z included, count to its first cell.

    :param ray_points_m: (..., 3) float32, metres, ego frame.
    :return: y * columns + x, (...) int64; one past the last cell for points outside.
    """
    rows, columns = bev.shape
    ranges = (bev.x_range_m, bev.y_range_m, bev.z_range_m)
    lower = ray_points_m.new_tensor([low for low, _ in ranges])
    size = ray_points_m.new_tensor([*bev.cell_size_m, bev.z_range_m[1] - bev.z_range_m[0]])
    x, y, z = ((ray_points_m - lower) / size).trunc().unbind(dim=-1)
    is_inside = (x >= 0) & (x < columns) & (y >= 0) & (y < rows) & (z == 0)
    return torch.where(is_inside, y * columns + x, rows * columns).long()


def lift_to_bev(context: Tensor, depth_probability: Tensor, ray_points_m: Tensor,
                bev: BevConfig) -> Tensor:
    """
    Spread image features along their rays and sum them per BEV cell.

    A pixel does not know how far away its surface is, so its feature goes to every depth bin on
    its ray, weighted by how likely that depth is, and is added to the cell found there. Height is
    summed out; the occupancy head restores it (lift and splat: Philion and Fidler,
    arXiv:2008.05711, Sec. 3).

    Letters: B batch, N cameras, D depth bins, h w feature rows and columns, C channels, Y X grid
    rows and columns.

    :param context: Image features, (B, N, C, h, w) floating.
    :param depth_probability: (B, N, D, h, w), of the same dtype.
    :param ray_points_m: Ray points in the ego frame, (B, N, D, h, w, 3) float32, metres.
    :param bev: The grid; points outside are dropped.
    :return: BEV features, (B, C, Y, X), row = y, column = x; a cell no ray reaches is exactly 0.
    :raises ValueError: if the shapes disagree.
    """
    batch, cameras, channels, height, width = context.shape
    expected = (batch, cameras, depth_probability.shape[2], height, width)
    if tuple(depth_probability.shape) != expected or ray_points_m.shape != (*expected, 3):
        raise ValueError(
            f'lift_to_bev: context {tuple(context.shape)} needs depth_probability {expected} and '
            f'ray_points_m {(*expected, 3)}; got {tuple(depth_probability.shape)} and '
            f'{tuple(ray_points_m.shape)}')
    rows, columns = bev.shape
    cells = bev_cells(ray_points_m, bev)
    pixels = context.permute(0, 1, 3, 4, 2).contiguous().unsqueeze(2)  # (B, N, 1, h, w, C)
    lifted = depth_probability.unsqueeze(-1) * pixels  # (B, N, D, h, w, C)
    sums = lifted.new_zeros(batch, rows * columns + 1, channels)
    for sample in range(batch):
        sums[sample].index_add_(0, cells[sample].flatten(), lifted[sample].flatten(0, -2))
    grid = sums[:, :-1].unflatten(1, (rows, columns))
    return grid.permute(0, 3, 1, 2)


class LiftToBev(nn.Module):
    """Provide `lift_to_bev` as a stage of the network."""

    def __init__(self, bev: BevConfig) -> None:
        super().__init__()
        self.bev = bev

    def forward(self, context: Tensor, depth_probability: Tensor, ray_points_m: Tensor) -> Tensor:
        """Return `lift_to_bev` of the arguments, (B, C, Y, X)."""
        return lift_to_bev(context, depth_probability, ray_points_m, self.bev)

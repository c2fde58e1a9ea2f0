# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The splat: its table against the published rule, its sums bit for bit and against the layer."""

from functools import cache

import numpy as np
import pytest
from real_maps import check, Maker, real_output, run_definition, TYPES
import torch

from bdc_occ_ros.geometry.voxel_grid import BevConfig
from bdc_occ_ros.kernels.operations import Splat, SplatTable
from bdc_occ_ros.network.depth_to_bev import bev_cells, lift_to_bev

UNLISTED = -5
BEV = BevConfig((-4.0, 4.8), (-3.0, 3.0), (-1.0, 5.4), (0.4, 0.3))  # 20 rows, 22 columns
RAYS = (2, 7, 3, 5)  # N D h w


def table_of(points_m: torch.Tensor, bev: BevConfig = BEV) -> SplatTable:
    """Make a table to be filled."""
    rows, columns = bev.shape
    count = points_m[..., 0].numel()
    ranges = bev.x_range_m, bev.y_range_m, bev.z_range_m
    return SplatTable(points_m, tuple(low for low, _ in ranges),
                      (*bev.cell_size_m, bev.z_range_m[1] - bev.z_range_m[0]), (rows, columns),
                      *(torch.full((size,), UNLISTED, dtype=torch.int32)
                        for size in (rows * columns + 1, count, count)))


def check_table(backend, table: SplatTable, bev: BevConfig = BEV) -> None:
    """Compare a table with the definition, and that with the layer's cells."""
    check(backend, table)
    cells = bev_cells(table.points_m, bev).flatten()
    expected = cells.argsort(stable=True)[:int((cells < len(table.starts) - 1).sum())]
    assert table.starts[0] == 0 and table.starts[-1] == len(expected)
    assert torch.equal(table.points[:len(expected)].long(), expected)
    assert (table.points[len(expected):] == UNLISTED).all()
    assert torch.equal(cells[expected], torch.arange(len(table.starts) - 1).repeat_interleave(
        table.starts.diff().long()))
    cameras, _, height, width = table.points_m.shape[:4]
    pixels = torch.arange(cameras * height * width).view(cameras, 1, height, width)
    pixels = pixels.expand(table.points_m.shape[:4]).flatten()
    assert torch.equal(table.pixels[:len(expected)].long(), pixels[expected])


def scattered_points(seed: int, *shape: int) -> torch.Tensor:
    """Return points, most of them in the grid, those of every other depth all in one cell."""
    generator = torch.Generator().manual_seed(seed)
    points_m = torch.rand((*shape, 3), generator=generator)
    points_m = points_m * torch.tensor([10.0, 7.0, 7.0]) - torch.tensor([4.6, 3.5, 1.3])
    points_m[:, ::2] = 0.01 * points_m[:, ::2] + 0.15
    return points_m


@pytest.mark.parametrize('shape', [RAYS, (1, 1, 1, 1), (1, 13, 1, 5), (6, 4, 2, 16), (0, 2, 3, 4)])
def test_table_of_scattered_points(backend, shape):
    check_table(backend, table_of(scattered_points(0, *shape)))


def test_table_of_points_on_every_boundary(backend):
    """Every boundary of every axis, and the floats before and behind it."""
    axes = []
    for (low, high), size in zip((BEV.x_range_m, BEV.y_range_m, BEV.z_range_m),
                                 (*BEV.cell_size_m, 6.4)):
        edges = np.arange(low - 2 * size, high + 2 * size, size / 2).astype(np.float32)
        axes.append(np.concatenate([np.nextafter(edges, np.float32(side))
                                    for side in (-np.inf, np.inf)] + [edges]))
    points_m = np.zeros((3, max(map(len, axes)), 1, 1, 3), dtype=np.float32)
    for axis, values in enumerate(axes):
        points_m[axis, :len(values), 0, 0, axis] = values
    check_table(backend, table_of(torch.from_numpy(points_m)))


def test_no_number_and_huge_numbers_are_outside(backend):
    special = torch.tensor([float('nan'), float('inf'), -float('inf'), 1e10, -1e10, 3e38, -3e38,
                            8.6e8, -8.6e8, 0.0])
    table = table_of(torch.cartesian_prod(special, special, special).view(1, 10, 10, 10, 3))
    check_table(backend, table)
    assert table.starts[-1] == 1  # only 0 0 0


def splat_of(table: SplatTable, channels: int, context_type: torch.dtype,
             probability_type: torch.dtype, output_type: torch.dtype) -> Splat:
    """Make a splat of random features along a filled table."""
    make = Maker(channels)
    cameras, depths, height, width = table.points_m.shape[:4]
    probability = make.values(cameras, depths, height, width).abs().to(probability_type)
    return Splat(table, probability,
                 make.real((cameras, height, width, channels), context_type, (1, 2)),
                 real_output((1, *table.shape, channels), output_type, (2, 0)))


@cache
def filled_table() -> SplatTable:
    """Return a table of cells without points, with some, and with more than are read at once."""
    table = table_of(scattered_points(1, *RAYS))
    run_definition(table)
    counts = table.starts.diff()
    assert (counts == 0).any() and counts.max() > 64
    return table


@cache
def splats(channels: int) -> list[Splat]:
    """Make splats of all types, alone and mixed."""
    return [splat_of(filled_table(), channels, *types)
            for types in (*((dtype, dtype, dtype) for dtype in TYPES), TYPES,
                          TYPES[1:] + TYPES[:1])]


@pytest.mark.parametrize('channels', [1, 15, 32, 47, 64, 96, 130, 300])
def test_splat(backend, channels):
    is_empty = (filled_table().starts.diff() == 0).view(filled_table().shape)
    for op in splats(channels):
        values, = check(backend, op)
        assert (values[0, is_empty][:, 2:] == 0).all()
        assert values[0, ~is_empty][:, 2:].count_nonzero() > 0


def test_splat_of_nothing_is_zero(backend):
    table = table_of(scattered_points(0, 0, 2, 3, 4))
    op = splat_of(table, 33, *TYPES)
    backend.compile([table, op])()
    assert (op.output.buffer.tensor[..., 2:] == 0).all()


def test_splat_equals_the_layer(backend):
    """Only the order of the sums may differ: a few last places of the largest partial sum."""
    shape = 2, 40, 6, 9
    table = table_of(scattered_points(3, *shape))
    op = splat_of(table, 64, *[torch.float32] * 3)
    backend.compile([table, op])()
    context = op.context.buffer.tensor[..., 1:65].permute(0, 3, 1, 2).unsqueeze(0)
    layer = lift_to_bev(context, op.probability.unsqueeze(0), table.points_m.unsqueeze(0), BEV)
    largest = lift_to_bev(context.abs(), op.probability.unsqueeze(0),
                          table.points_m.unsqueeze(0), BEV)
    points = int(table.starts.diff().max())
    bound = points * torch.finfo(torch.float32).eps * largest
    difference = (op.output.buffer.tensor[..., 2:].permute(0, 3, 1, 2) - layer).abs()
    assert (difference <= bound).all()
    assert difference.max() < 1.0 < largest.max()

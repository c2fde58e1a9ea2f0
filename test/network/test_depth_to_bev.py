# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The splat: which cell a point falls in, what is summed there, and what is left untouched."""

import pytest
import torch

from bdc_occ_ros.geometry.voxel_grid import BevConfig
from bdc_occ_ros.network.depth_to_bev import bev_cells, lift_to_bev

BEV = BevConfig((-2.0, 4.0), (-1.0, 3.0), (-1.0, 1.0), (1.0, 0.5))  # 8 rows (y), 6 columns (x)
OUTSIDE = 48


@pytest.mark.parametrize(('point_m', 'row', 'column'), [
    ((-2.0, -1.0, 0.0), 0, 0), ((3.9, -1.0, 0.0), 0, 5), ((-2.0, 2.9, 0.0), 7, 0),
    ((-2.5, -1.0, 0.0), 0, 0),  # index -0.5 truncates to 0
    ((-2.0, -1.25, 0.0), 0, 0), ((1.0, 0.0, -2.9), 2, 3)])
def test_indices_truncate_toward_zero(point_m, row, column):
    assert bev_cells(torch.tensor(point_m), BEV).item() == row * 6 + column


@pytest.mark.parametrize('point_m', [
    (-3.0, 0.0, 0.0),  # index -1
    (4.0, 0.0, 0.0), (0.0, -1.5, 0.0), (0.0, 3.0, 0.0), (0.0, 0.0, 1.0), (0.0, 0.0, -3.0),
    (float('nan'), 0.0, 0.0), (float('inf'), 0.0, 0.0)])
def test_points_outside_are_dropped(point_m):
    assert bev_cells(torch.tensor(point_m), BEV).item() == OUTSIDE


def test_sums_equal_a_loop_over_points():
    generator = torch.Generator().manual_seed(0)
    shape = (2, 3, 4, 2, 3)  # B N D h w
    context = torch.randn(2, 3, 5, 2, 3, generator=generator)
    probability = torch.rand(shape, generator=generator)
    points_m = 8 * torch.rand((*shape, 3), generator=generator) - 3.0
    expected = torch.zeros(2, 5, 8, 6)
    for b, n, d, i, j in torch.cartesian_prod(*map(torch.arange, shape)).tolist():
        x, y, z = points_m[b, n, d, i, j].tolist()
        column, row, slab = int((x + 2) / 1.0), int((y + 1) / 0.5), int((z + 1) / 2)
        if 0 <= column < 6 and 0 <= row < 8 and slab == 0 and (x + 2) > -1 and (z + 1) > -2:
            expected[b, :, row, column] += probability[b, n, d, i, j] * context[b, n, :, i, j]
    result = lift_to_bev(context, probability, points_m, BEV)
    torch.testing.assert_close(result, expected)
    assert ((result == 0) == (expected == 0)).all()
    assert (result == 0).any()


def test_gradients_reach_context_and_depth():
    context = torch.ones(1, 1, 2, 1, 1, requires_grad=True)
    probability = torch.full((1, 1, 2, 1, 1), 0.5, requires_grad=True)
    points_m = torch.tensor([[0.0, 0.0, 0.0], [9.0, 0.0, 0.0]]).reshape(1, 1, 2, 1, 1, 3)
    lift_to_bev(context, probability, points_m, BEV).sum().backward()
    assert probability.grad.flatten().tolist() == [2.0, 0.0]
    assert context.grad.flatten().tolist() == [0.5, 0.5]


def test_shapes_that_disagree_are_refused():
    with pytest.raises(ValueError, match=r'lift_to_bev: context \(1, 2, 8, 3, 4\) needs'):
        lift_to_bev(torch.zeros(1, 2, 8, 3, 4), torch.zeros(1, 2, 5, 3, 3),
                    torch.zeros(1, 2, 5, 3, 4, 3), BEV)

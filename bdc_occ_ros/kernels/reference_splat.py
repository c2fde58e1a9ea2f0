# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What the splat computes: its table of points by cell, and the sums along it."""

import torch

from bdc_occ_ros.kernels.operations import Splat, SplatTable
from bdc_occ_ros.kernels.reference_maps import read, write


def splat_table(op: SplatTable) -> None:
    """
    List the points of every cell in increasing order.

    :param op: The cell of a point is that of depth_to_bev.bev_cells: float32, truncated toward
        zero; points outside are not listed, and what lies behind the last listed one is left.
    """
    rows, columns = op.shape
    points_m = op.points_m.flatten(0, -2)
    lower, size = points_m.new_tensor(op.lower_m), points_m.new_tensor(op.size_m)
    x, y, z = ((points_m - lower) / size).trunc().unbind(dim=-1)
    is_inside = (x >= 0) & (x < columns) & (y >= 0) & (y < rows) & (z == 0)
    listed = is_inside.nonzero().flatten()
    cells = (y[listed] * columns + x[listed]).long()
    order = cells.argsort(stable=True)
    _, depths, height, width, _ = op.points_m.shape
    per_camera, points = height * width, listed[order]
    op.points[:len(points)] = points.int()
    op.pixels[:len(points)] = (points // (depths * per_camera) * per_camera
                               + points % per_camera).int()
    op.starts[0] = 0
    op.starts[1:] = torch.bincount(cells, minlength=rows * columns).cumsum(dim=0).int()


def splat(op: Splat) -> None:
    """
    Sum the context features of every cell's points.

    :param op: Per cell, in the order of the table: sum = sum + probability * feature, the product
        and the sum rounded; a cell without points is exactly 0.
    """
    features = read(op.context).flatten(0, 2)
    weights = op.probability.float().flatten()
    starts = op.table.starts.long()
    counts = starts[1:] - starts[:-1]
    sums = features.new_zeros((len(counts), features.shape[1]))
    for place in range(int(counts.max())):
        cells = (counts > place).nonzero().flatten()
        listed = starts[cells] + place
        products = (weights[op.table.points[listed].long()].unsqueeze(1)
                    * features[op.table.pixels[listed].long()])
        sums[cells] = sums[cells] + products
    rows, columns = op.table.shape
    write(op.output, sums.unflatten(0, (rows, columns)).unsqueeze(0))

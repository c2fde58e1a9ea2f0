# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Compute the targets of the box head: a Gaussian on the heatmap and ten numbers per object."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from bdc_occ_ros.dataset.batch import TrueBoxes
from bdc_occ_ros.network.config import NetworkConfig

MIN_OVERLAP = 0.1
MIN_RADIUS_CELLS = 2


class BoxTargets(NamedTuple):
    """
    Hold the targets; B samples, C classes, Y X map rows and columns, M objects on the map.

    :param heatmap: 1 at the cell of a centre, falling about it, (B, C, Y, X) float32.
    :param samples: Which sample every object is in, (M,) int64.
    :param cells: The cell of its centre, row * columns + column, (M,) int64.
    :param attributes: Offset x y in cells, z, logarithm of length, width and height, sine and
        cosine of the yaw, velocity x y; (M, 10) float32, velocities nan where unknown.
    """

    heatmap: Tensor
    samples: Tensor
    cells: Tensor
    attributes: Tensor


def box_targets(boxes: Sequence[TrueBoxes], config: NetworkConfig) -> BoxTargets:
    """
    Lay objects out on the map of the box head (CenterPoint, arXiv:2006.11275, Sec. 4).

    :param boxes: Per sample; objects with their centre outside the map are left out.
    """
    stride = config.boxes.stride
    rows, columns = (cells // stride for cells in config.bev.shape)
    device = boxes[0].boxes.device
    values = torch.cat([sample.boxes for sample in boxes])
    labels = torch.cat([sample.labels for sample in boxes])
    samples = torch.repeat_interleave(torch.arange(len(boxes), device=device), torch.tensor(
        [len(sample.labels) for sample in boxes], device=device))
    cell_size_m = values.new_tensor(config.bev.cell_size_m) * stride
    lower_m = values.new_tensor((config.bev.x_range_m[0], config.bev.y_range_m[0]))
    places = (values[:, :2] - lower_m) / cell_size_m
    cells = places.floor().long()  # column, row
    is_inside = ((cells >= 0) & (cells < cells.new_tensor((columns, rows)))).all(dim=1)
    values, labels, samples, places, cells = (
        part[is_inside] for part in (values, labels, samples, places, cells))
    radii = gaussian_radius(values[:, 3:5] / cell_size_m).floor().clamp(min=MIN_RADIUS_CELLS)
    heatmap = torch.zeros(len(boxes), len(config.boxes.class_names), rows, columns, device=device)
    _draw_gaussians(heatmap, samples * heatmap.shape[1] + labels, cells, radii)
    attributes = torch.cat((places - cells, values[:, 2:3], values[:, 3:6].log(),
                            values[:, 6:7].sin(), values[:, 6:7].cos(), values[:, 7:9]), dim=1)
    return BoxTargets(heatmap, samples, cells[:, 1] * columns + cells[:, 0], attributes)


def gaussian_radius(sizes: Tensor) -> Tensor:
    """
    Return how far a rectangle may be off and still overlap its original by MIN_OVERLAP.

    The least of three cases, as CornerNet (arXiv:1808.01244, code) and CenterPoint compute them:
    one corner moved out and one in, both moved in, both moved out. Their divisor, 2 in every case,
    is kept.

    :param sizes: Length and width, (M, 2) float32.
    :return: (M,) float32, in the unit of the sizes.
    """
    total, area = sizes.sum(dim=1), sizes.prod(dim=1)
    cases = ((1.0, total, area * (1 - MIN_OVERLAP) / (1 + MIN_OVERLAP)),
             (4.0, 2 * total, area * (1 - MIN_OVERLAP)),
             (4 * MIN_OVERLAP, -2 * MIN_OVERLAP * total, area * (MIN_OVERLAP - 1)))
    radii = [(b + (b.square() - 4 * a * c).clamp(min=0).sqrt()) / 2 for a, b, c in cases]
    return torch.stack(radii).amin(dim=0)


def _draw_gaussians(heatmap: Tensor, planes: Tensor, cells: Tensor, radii: Tensor) -> None:
    """Raise planes of the map to a Gaussian about every cell (column, row), cut at its radius."""
    rows, columns = heatmap.shape[-2:]
    reach = int(radii.max()) if len(radii) else 0
    steps = torch.arange(-reach, reach + 1, device=heatmap.device)
    dy, dx = torch.meshgrid(steps, steps, indexing='ij')
    x, y = cells[:, 0, None, None] + dx, cells[:, 1, None, None] + dy
    radius = radii[:, None, None]
    is_on = ((torch.maximum(dx.abs(), dy.abs()) <= radius)
             & (x >= 0) & (x < columns) & (y >= 0) & (y < rows))
    sigma = (2 * radius + 1) / 6
    heights = torch.exp(-(dx.square() + dy.square()) / (2 * sigma.square()))
    places = (planes[:, None, None] * rows + y) * columns + x
    heatmap.view(-1).scatter_reduce_(0, places[is_on], heights[is_on], 'amax')

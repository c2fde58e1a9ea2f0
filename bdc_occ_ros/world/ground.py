# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
The ground of a scene, sampled anywhere: its class and its colour.

Roads run along lines of equal v = y - f(x) and u = x - g(y), where f and g are sums of sines. In
these bent coordinates every edge is straight, so that a coarse map of surfaces and two fine rows
of road markings say where what is, sharp at any resolution and in a few gathers per point.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import fields
from enum import IntEnum
from functools import cache
from typing import NamedTuple

import torch
from torch import Tensor

CELL_M = 0.5
MARK_CELL_M = 0.1
DASH_M = 3.0
DASH_PERIOD_M = 9.0
BAY_M = 2.5
BAY_LINE_M = 0.12


class Surface(IntEnum):
    """What a cell of the map is made of; X and Y say along which coordinate a road runs."""

    ROAD_X = 0
    ROAD_Y = 1
    JUNCTION = 2
    PAINT = 3
    LOT = 4
    BAYS_X = 5
    BAYS_Y = 6
    SIDEWALK = 7
    PATH = 8
    GRASS = 9
    DRY_GRASS = 10
    EARTH = 11
    PLAZA = 12
    ISLAND = 13
    WATER = 14


class Mark(IntEnum):
    """What a fine row says about a line along a road."""

    NONE = 0
    WHITE = 1
    WHITE_DASHES = 2
    YELLOW = 3
    YELLOW_DASHES = 4
    CURB = 5


_DRIVEABLE, _OTHER_FLAT, _SIDEWALK, _TERRAIN = 11, 12, 13, 14
_SURFACE_LABELS = (
    *(_DRIVEABLE,) * 7, _SIDEWALK, _SIDEWALK, *(_TERRAIN,) * 3, *(_OTHER_FLAT,) * 3)
_MARK_RGB = ((0.0, 0.0, 0.0), (0.72, 0.72, 0.70), (0.72, 0.72, 0.70), (0.65, 0.45, 0.08),
             (0.65, 0.45, 0.08), (0.52, 0.51, 0.49))


class GroundSample(NamedTuple):
    """
    The ground at some points.

    :param label: Occupancy class, (T, P) uint8.
    :param albedo: Reflected share of red, green and blue, (T, P, 3) float32.
    """

    label: Tensor
    albedo: Tensor


@dataclass(frozen=True, eq=False)
class GroundPlan:
    """
    The ground of one scene, or stacked: then every tensor has a leading axis of scenes.

    :param bend: Terms of f and of g, (2, K, 3) float32: amplitude in m, wave number in rad/m,
        phase in rad of amplitude * sin(wave number * coordinate + phase).
    :param origin_m: u and v of the map's corner, (2,) float32.
    :param surface: Map of Surface by cells of CELL_M, (rows along v, columns along u) uint8.
    :param marks_across_v: Mark of roads along u, by cells of MARK_CELL_M over v, (Mv,) uint8.
    :param marks_across_u: Mark of roads along v, by cells of MARK_CELL_M over u, (Mu,) uint8.
    :param palette: Albedo by Surface, (len(Surface), 3) float32.
    """

    bend: Tensor
    origin_m: Tensor
    surface: Tensor
    marks_across_v: Tensor
    marks_across_u: Tensor
    palette: Tensor

    def to(self, device: torch.device | str) -> 'GroundPlan':
        """
        Return the plan on a device.

        :param device: Where.
        """
        return GroundPlan(*(getattr(self, item.name).to(device) for item in fields(self)))


def stack_plans(plans: Sequence[GroundPlan]) -> GroundPlan:
    """
    Return the plans of several scenes as one.

    :param plans: At least one, on one device.
    """
    return GroundPlan(*(torch.stack([getattr(plan, item.name) for plan in plans])
                        for item in fields(GroundPlan)))


def sample_ground(plans: GroundPlan, plan_index: Tensor, xy_m: Tensor) -> GroundSample:
    """
    Return what the ground is at points of the world; beyond the map its edge goes on.

    :param plans: Stacked plans of S scenes.
    :param plan_index: Which plan every lot of points lies on, (T,) int64.
    :param xy_m: Points, (T, P, 2) float32.
    """
    u_m, v_m = _bent(plans.bend[plan_index], xy_m)
    rows, columns = plans.surface.shape[-2:]
    origin_m = plans.origin_m[plan_index]
    across_u_m, across_v_m = u_m - origin_m[:, :1], v_m - origin_m[:, 1:]
    cell = (_cells(across_v_m, CELL_M, rows) * columns + _cells(across_u_m, CELL_M, columns)
            + plan_index[:, None] * (rows * columns))
    surface = plans.surface.reshape(-1)[cell].long()
    mark = _marks(plans, plan_index, surface, u_m, v_m, across_u_m, across_v_m)
    labels, mark_rgb = _tables(str(xy_m.device))
    palette = plans.palette.reshape(-1, 3)[surface + plan_index[:, None] * len(Surface)]
    return GroundSample(labels[surface], torch.where((mark > 0)[..., None], mark_rgb[mark],
                                                     palette))


def _bent(bend: Tensor, xy_m: Tensor) -> tuple[Tensor, Tensor]:
    """Return u and v of points."""
    x_m, y_m = xy_m[..., 0], xy_m[..., 1]
    u_m, v_m = x_m.clone(), y_m.clone()
    for term in range(bend.shape[2]):
        amplitude, wave, phase = bend[:, :, term, :, None].unbind(2)
        v_m -= amplitude[:, 0] * torch.sin(wave[:, 0] * x_m + phase[:, 0])
        u_m -= amplitude[:, 1] * torch.sin(wave[:, 1] * y_m + phase[:, 1])
    return u_m, v_m


def _cells(across_m: Tensor, cell_m: float, count: int) -> Tensor:
    """Return the number of the cell that every coordinate lies in, held within the map."""
    return (across_m * (1 / cell_m)).long().clamp_(0, count - 1)


def _marks(plans: GroundPlan, plan_index: Tensor, surface: Tensor, u_m: Tensor, v_m: Tensor,
           across_u_m: Tensor, across_v_m: Tensor) -> Tensor:
    """Return which points lie on the paint of a line, and on which."""
    def row(marks: Tensor, across_m: Tensor) -> Tensor:
        cell = _cells(across_m, MARK_CELL_M, marks.shape[1])
        return marks.reshape(-1)[cell + plan_index[:, None] * marks.shape[1]].long()

    along_u, along_v = row(plans.marks_across_v, across_v_m), row(plans.marks_across_u, across_u_m)
    along_u_m, along_v_m = u_m.remainder(DASH_PERIOD_M), v_m.remainder(DASH_PERIOD_M)
    on_x = _solid_or_dashed(along_u, along_u_m) & (surface == Surface.ROAD_X)
    on_y = _solid_or_dashed(along_v, along_v_m) & (surface == Surface.ROAD_Y)
    on_bay = (((surface == Surface.BAYS_X) & (u_m.remainder(BAY_M) < BAY_LINE_M))
              | ((surface == Surface.BAYS_Y) & (v_m.remainder(BAY_M) < BAY_LINE_M)))
    curb = ((along_u == Mark.CURB) | (along_v == Mark.CURB)) & (surface == Surface.SIDEWALK)
    mark = along_u * on_x + along_v * on_y
    return mark + on_bay * int(Mark.WHITE) + curb * int(Mark.CURB)


def _solid_or_dashed(mark: Tensor, along_m: Tensor) -> Tensor:
    """Return where a line has paint."""
    dashed = (mark == Mark.WHITE_DASHES) | (mark == Mark.YELLOW_DASHES)
    return (mark > 0) & (mark < Mark.CURB) & (~dashed | (along_m < DASH_M))


@cache
def _tables(device: str) -> tuple[Tensor, Tensor]:
    """Return the class by surface and the colour by mark."""
    return (torch.tensor(_SURFACE_LABELS, dtype=torch.uint8, device=device),
            torch.tensor(_MARK_RGB, device=device))

# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Sample class and colour of the ground of a scene anywhere.

Roads run along lines of equal v = y - f(x) and u = x - g(y), where f and g are sums of sines. In
these bent coordinates every edge is straight, so that a coarse map of surfaces and two fine rows
of road markings say where what is, sharp at any resolution and in a few look-ups per point.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
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
    """Enumerate surfaces of map cells; X and Y say along which coordinate a road runs."""

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
    """Enumerate road markings, which fine rows hold by their place across a road."""

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
# Lines with gaps: along u (0) or v (1), how far from paint to paint, and how much of it is paint.
_RHYTHMS = ((Surface.ROAD_X, 0, DASH_PERIOD_M, DASH_M), (Surface.ROAD_Y, 1, DASH_PERIOD_M, DASH_M),
            (Surface.BAYS_X, 0, BAY_M, BAY_LINE_M), (Surface.BAYS_Y, 1, BAY_M, BAY_LINE_M))


class GroundSample(NamedTuple):
    """
    Hold class and colour of the ground at points.

    :param label: Occupancy class, (T, P) uint8.
    :param albedo: Reflected share of red, green and blue, (T, P, 3) float32.
    """

    label: Tensor
    albedo: Tensor


@dataclass(frozen=True, eq=False)
class GroundPlan:
    """
    Hold the ground of one scene, or stacked: then every tensor has a leading axis of scenes.

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
        """Return the plan on a device."""
        return GroundPlan(*(getattr(self, item.name).to(device) for item in fields(self)))


def stack_plans(plans: Sequence[GroundPlan]) -> GroundPlan:
    """Stack the plans of several scenes, on one device."""
    return GroundPlan(*(torch.stack([getattr(plan, item.name) for plan in plans])
                        for item in fields(GroundPlan)))


def sample_ground(plans: GroundPlan, plan_index: Tensor, xy_m: Tensor) -> GroundSample:
    """
    Sample the ground at points of the world; beyond the map its edge goes on.

    :param plans: Stacked plans of S scenes.
    :param plan_index: Which plan every lot of points lies on, (T,) int64.
    :param xy_m: Points, (T, P, 2) float32.
    :return: Its colours lie one after another in memory.
    """
    tables, plan = _tables(xy_m.device), plan_index.int()[:, None]
    bent_m = _bent(plans.bend[plan_index], xy_m.mT)
    across_u_m, across_v_m = (bent_m - plans.origin_m[plan_index][..., None]).unbind(1)
    rows, columns = plans.surface.shape[-2:]
    cell = _cells(across_v_m, CELL_M, rows).mul_(columns).add_(plan * (rows * columns))
    surface = _looked_up(plans.surface, cell.add_(_cells(across_u_m, CELL_M, columns))).int()
    along_u, along_v = (
        _looked_up(marks, _cells(across_m, MARK_CELL_M, marks.shape[1])
                   .add_(plan * marks.shape[1])).int()
        for marks, across_m in ((plans.marks_across_v, across_v_m),
                                (plans.marks_across_u, across_u_m)))
    case = (surface * len(Mark)).add_(along_u).mul_(len(Mark)).add_(along_v).mul_(2)
    case.add_(_is_in_gap(tables.rhythm, surface, bent_m))
    color = _looked_up(tables.color, case).add_(plan * (len(Surface) + len(Mark)))
    marks_rgb = tables.mark_rgb.expand(len(plans.palette), -1, -1)
    colors = torch.cat((plans.palette, marks_rgb), 1).flatten(0, 1).T.contiguous()
    albedo = colors.index_select(1, color.view(-1)).view(3, *color.shape)
    return GroundSample(_looked_up(tables.label, surface), albedo.movedim(0, -1))


def _bent(bend: Tensor, xy_m: Tensor) -> Tensor:
    """Return u and v of points, both (T, 2, P)."""
    bent_m, other_m = xy_m.clone(), xy_m.flip(1)
    for term in bend.flip(1).unbind(2):  # what bends u first
        amplitude, wave, phase = term[..., None].unbind(2)
        bent_m.addcmul_(amplitude, torch.addcmul(phase, wave, other_m).sin_(), value=-1)
    return bent_m


def _looked_up(table: Tensor, index: Tensor) -> Tensor:
    """Index a flattened table, much faster than table[index] does."""
    return table.reshape(-1).index_select(0, index.reshape(-1)).view(index.shape)


def _cells(across_m: Tensor, cell_m: float, count: int) -> Tensor:
    """Return the number of the cell that every coordinate lies in, held within the map, int32."""
    return (across_m * (1 / cell_m)).int().clamp_(0, count - 1)


def _is_in_gap(rhythm: Tensor, surface: Tensor, bent_m: Tensor) -> Tensor:
    """Return where dashed lines have their gaps, bool."""
    per_u_m, per_v_m, share = rhythm.index_select(1, surface.view(-1)).view(3, *surface.shape)
    phase = per_u_m.mul_(bent_m[:, 0]).addcmul_(per_v_m, bent_m[:, 1])
    return phase.sub_(phase.floor()) >= share


class _Tables(NamedTuple):
    """
    Hold look-up tables that all grounds share.

    :param label: Occupancy class by surface, (len(Surface),) uint8.
    :param rhythm: Periods per metre along u and along v of lines with gaps, and the share that
        is painted, by surface, (3, len(Surface)) float32.
    :param color: Place in the palette, in which the marks come after the surfaces, by surface,
        mark along u, mark along v and whether in a gap, flat, int32.
    :param mark_rgb: Albedo by mark, (len(Mark), 3) float32.
    """

    label: Tensor
    rhythm: Tensor
    color: Tensor
    mark_rgb: Tensor


@cache
def _tables(device: torch.device) -> _Tables:
    rhythm = torch.zeros(3, len(Surface))
    for surface, axis, period_m, painted_m in _RHYTHMS:
        rhythm[axis, surface], rhythm[2, surface] = 1 / period_m, painted_m / period_m
    color = [len(Surface) + mark if mark else surface
             for surface in Surface for along_u in Mark for along_v in Mark
             for mark in _painted(surface, along_u, along_v)]
    return _Tables(*(table.to(device) for table in (
        torch.tensor(_SURFACE_LABELS, dtype=torch.uint8), rhythm,
        torch.tensor(color, dtype=torch.int32), torch.tensor(_MARK_RGB))))


def _painted(surface: Surface, along_u: Mark, along_v: Mark) -> tuple[Mark, Mark]:
    """Return which paint a point has, outside and in the gaps of lines."""
    if surface in (Surface.BAYS_X, Surface.BAYS_Y):
        return Mark.WHITE, Mark.NONE
    if surface == Surface.SIDEWALK and Mark.CURB in (along_u, along_v):
        return Mark.CURB, Mark.CURB
    line = {Surface.ROAD_X: along_u, Surface.ROAD_Y: along_v}.get(surface, Mark.NONE)
    if line in (Mark.WHITE_DASHES, Mark.YELLOW_DASHES):
        return line, Mark.NONE
    return (Mark.NONE, Mark.NONE) if line == Mark.CURB else (line, line)

# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Draw the ground of a scene as a map: roads, junctions and their markings over the blocks."""

from collections.abc import Iterator

import numpy as np
import torch

from bdc_occ_ros.world.ground import CELL_M, GroundPlan, Mark, MARK_CELL_M, Surface
from bdc_occ_ros.world.primitives import Span
from bdc_occ_ros.world.road_network import ALONG_U, ALONG_V, MAP_U_M, MAP_V_M, Road, RoadNetwork
from bdc_occ_ros.world.scene_rng import SceneRng
from bdc_occ_ros.world.variety import Variety

CROSSWALK_GAP_M = 1.0
CROSSWALK_M = 3.0
STOP_LINE_M = 5.0
APRON_M = 5.5
_LINE_M = 0.15
_SURFACE_RGB = (
    (0.09, 0.09, 0.095), (0.09, 0.09, 0.095), (0.09, 0.09, 0.095), (0.62, 0.62, 0.60),
    (0.13, 0.13, 0.13), (0.12, 0.12, 0.12), (0.12, 0.12, 0.12), (0.38, 0.37, 0.35),
    (0.33, 0.28, 0.20), (0.11, 0.17, 0.05), (0.22, 0.19, 0.09), (0.24, 0.16, 0.09),
    (0.40, 0.33, 0.27), (0.30, 0.29, 0.28), (0.05, 0.09, 0.12))


class GroundMap:
    """
    Draw a map of surfaces by rectangles in bent coordinates.

    :param surface: What it begins with everywhere.
    """

    def __init__(self, surface: Surface) -> None:
        shape = [round((high - low) / CELL_M) for low, high in (MAP_V_M, MAP_U_M)]
        self.cells = np.full(shape, surface, np.uint8)

    def fill(self, u_m: Span, v_m: Span, surface: Surface) -> None:
        """Draw a rectangle of whole cells; what lies beyond the map is dropped."""
        columns, rows = (
            slice(*(max(0, round((end - low) / CELL_M)) for end in sorted(span)))
            for span, low in ((u_m, MAP_U_M[0]), (v_m, MAP_V_M[0])))
        self.cells[rows, columns] = surface

    def fill_along(self, axis: int, along_m: Span, across_m: Span, surface: Surface) -> None:
        """Draw a rectangle by its spans along and across an axis."""
        self.fill(*((along_m, across_m) if axis == ALONG_U else (across_m, along_m)), surface)


def draw_roads(ground: GroundMap, network: RoadNetwork, rng: SceneRng) -> None:
    """Draw all roads over what is there."""
    everywhere = (MAP_U_M, MAP_V_M)
    for road in network.roads:
        strip = Surface.GRASS if rng.random() < 0.84 else Surface.PLAZA
        for direction in (-1, 1):
            verge, walk, outer = (road.side(direction, distance) for distance in (
                road.half_roadway_m, road.half_roadway_m + road.verge_m, road.half_m))
            ground.fill_along(road.axis, everywhere[road.axis], (verge, walk), strip)
            ground.fill_along(road.axis, everywhere[road.axis], (walk, outer), Surface.SIDEWALK)
    for first, second in crossings(network):
        _draw_corners(ground, first, second)
    for road in network.roads:
        surface = Surface.ROAD_X if road.axis == ALONG_U else Surface.ROAD_Y
        ground.fill_along(road.axis, everywhere[road.axis], _span(road, road.half_roadway_m),
                          surface)
        if road.median_m:
            island = Surface.GRASS if rng.random() < 0.6 else Surface.ISLAND
            ground.fill_along(road.axis, everywhere[road.axis], _span(road, road.median_m / 2),
                              island)
    for first, second in crossings(network):
        _draw_junction(ground, first, second)


def ground_plan(ground: GroundMap, network: RoadNetwork, rng: SceneRng, variety: Variety
                ) -> GroundPlan:
    """Return the ground with the lines of a network as tensors, and draw its colours."""
    palette = np.array([rng.tint(rgb, 0.05) for rgb in _SURFACE_RGB]) * [
        [rng.uniform(0.8, 1.2)] for _ in Surface]
    if variety.colors:
        gains = [np.exp(rng.normal(0, 0.6, -1.2, 1.2)) for _ in Surface]
        gains[:3] = gains[:1] * 3  # one kind of tar
        palette = np.clip([rng.tint(rgb, 0.25) for rgb in palette] * np.array(gains)[:, None],
                          0.01, 0.8)
    marks = [_marks(network.along(axis), map_m)
             for axis, map_m in ((ALONG_U, MAP_V_M), (ALONG_V, MAP_U_M))]
    if variety.markings:
        has_paint, has_kerbs = rng.random() < 0.6, rng.random() < 0.6
        for row in marks:
            row[~np.where(row == Mark.CURB, has_kerbs, has_paint)] = Mark.NONE
        if not has_paint:
            palette[Surface.PAINT] = palette[Surface.JUNCTION]
    return GroundPlan(
        torch.from_numpy(network.bend).float(), torch.tensor([MAP_U_M[0], MAP_V_M[0]]),
        torch.from_numpy(ground.cells), *map(torch.from_numpy, marks),
        torch.from_numpy(palette).float())


def crossings(network: RoadNetwork) -> Iterator[tuple[Road, Road]]:
    """Yield every road along u with every road along v."""
    for first in network.along(ALONG_U):
        for second in network.along(ALONG_V):
            yield first, second


def _span(road: Road, half_m: float) -> Span:
    return road.centre_m - half_m, road.centre_m + half_m


def _draw_corners(ground: GroundMap, first: Road, second: Road) -> None:
    """Pave the four corners of a junction, where verges end."""
    ground.fill(_span(second, second.half_roadway_m + APRON_M), _span(first, first.half_m),
                Surface.SIDEWALK)
    ground.fill(_span(second, second.half_m), _span(first, first.half_roadway_m + APRON_M),
                Surface.SIDEWALK)


def _draw_junction(ground: GroundMap, first: Road, second: Road) -> None:
    """Draw the middle, the crosswalks and the stop lines of a junction."""
    ground.fill(_span(second, second.half_roadway_m), _span(first, first.half_roadway_m),
                Surface.JUNCTION)
    for road, other in ((first, second), (second, first)):
        for end in (-1, 1):
            edge_m = other.centre_m + end * other.half_roadway_m
            _draw_approach(ground, road, edge_m, end)


def _draw_approach(ground: GroundMap, road: Road, edge_m: float, end: int) -> None:
    """Draw the crosswalk and the stop line at one end of a road."""
    def along(from_m: float, to_m: float) -> Span:
        return edge_m + end * from_m, edge_m + end * to_m

    ground.fill_along(road.axis, along(0, APRON_M), _span(road, road.half_roadway_m),
                      Surface.JUNCTION)
    stripes_m = np.arange(*_span(road, road.half_roadway_m - 0.5), 2 * CELL_M)
    for stripe_m in stripes_m:
        ground.fill_along(road.axis, along(CROSSWALK_GAP_M, CROSSWALK_GAP_M + CROSSWALK_M),
                          (stripe_m, stripe_m + CELL_M), Surface.PAINT)
    approaching = -end
    stop_m = (road.side(approaching, road.median_m / 2),
              road.side(approaching, road.half_lanes_m))
    ground.fill_along(road.axis, along(STOP_LINE_M, STOP_LINE_M + CELL_M), stop_m, Surface.PAINT)


def _marks(roads: list[Road], map_m: Span) -> np.ndarray:
    """Return the row of marks across roads of one axis."""
    row = np.zeros(round((map_m[1] - map_m[0]) / MARK_CELL_M), np.uint8)

    def line(at_m: float, mark: Mark, width_m: float = _LINE_M) -> None:
        low, high = ((at_m + shift - map_m[0]) / MARK_CELL_M for shift in (-width_m / 2,
                                                                           width_m / 2))
        row[max(0, round(low)):max(0, round(high))] = mark

    for road in roads:
        for direction in (-1, 1):
            line(road.side(direction, road.half_roadway_m + 0.1), Mark.CURB, 0.2)
            for lane in range(1, road.lanes):
                line(road.side(direction, road.median_m / 2 + lane * road.lane_m),
                     Mark.WHITE_DASHES)
            if road.half_lanes_m < road.half_roadway_m:
                line(road.side(direction, road.half_lanes_m), Mark.WHITE)
            line(road.side(direction, road.median_m / 2 + 0.2), Mark.YELLOW)
    return row

# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Blocks between the roads, divided into sites along their streets and built upon."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

from bdc_occ_ros.world.chance import Chance
from bdc_occ_ros.world.ground import Surface
from bdc_occ_ros.world.open_zones import building_site, car_park, grove, park, plaza
from bdc_occ_ros.world.parts import Span
from bdc_occ_ros.world.road_network import ALONG_U, ALONG_V, MAP_U_M, MAP_V_M, RoadNetwork
from bdc_occ_ros.world.stage import Site, Stage
from bdc_occ_ros.world.zones import apartments, city_building, home, scatter_trees, warehouse, yard

Build = Callable[[Site, Chance], None]
_FRONT_M = 26.0
_SIDE_M = 20.0
_SHALLOW_M = 15.0
_WIDTHS_M: dict[Build, Span] = {
    home: (14, 20), city_building: (12, 30), apartments: (20, 34), warehouse: (28, 50),
    yard: (20, 40), park: (30, 60), grove: (14, 40), plaza: (14, 24), car_park: (18, 40),
    building_site: (26, 44)}


class District(NamedTuple):
    """
    What a part of the city is like.

    :param builds: What is built how often.
    :param pedestrians_per_m: People on every metre of sidewalk.
    :param trees_per_m: Trees on every metre of street side.
    """

    builds: dict[Build, float]
    pedestrians_per_m: float
    trees_per_m: float


_DISTRICTS = (
    District({city_building: 12, plaza: 0.6, car_park: 0.7, building_site: 1.2, park: 0.7}, 0.10,
             0.10),
    District({home: 11, apartments: 3, park: 0.8, grove: 1.2, building_site: 0.8}, 0.03, 0.10),
    District({apartments: 4, city_building: 4, home: 3, park: 1.2, car_park: 0.9, grove: 0.8,
              building_site: 1.0, plaza: 0.4}, 0.05, 0.11),
    District({warehouse: 6, yard: 3, car_park: 1.5, grove: 1.6, building_site: 1.2}, 0.02, 0.07),
    District({park: 4, grove: 5, home: 4, apartments: 1.5, building_site: 0.8}, 0.035, 0.08))


def district(rng: Chance) -> District:
    """Draw what the part of the city is like."""
    return rng.weighted(_DISTRICTS, (0.27, 0.24, 0.25, 0.13, 0.11))


def build_blocks(stage: Stage, rng: Chance, style: District) -> None:
    """
    Build on all blocks that are seen.

    :param stage: What is built onto.
    :param style: What the part of the city is like.
    """
    network = stage.network
    for u_m, v_m in _blocks(network):
        if u_m[1] < stage.sight_u_m[0] or u_m[0] > stage.sight_u_m[1]:
            continue
        if v_m[0] >= 0:
            _build_block(stage, rng, style, u_m, v_m, 1, v_m[0] > network.main.half_m)
        else:
            _build_block(stage, rng, style, u_m, v_m, -1, v_m[1] < -network.main.half_m)


def _blocks(network: RoadNetwork) -> Iterator[tuple[Span, Span]]:
    """Return what lies between the roads, with whole cells."""
    spans = []
    for axis, (low, high) in ((ALONG_V, MAP_U_M), (ALONG_U, MAP_V_M)):
        ends = [low]
        for road in network.along(axis):
            ends += [road.centre_m - road.half_m, road.centre_m + road.half_m]
        spans.append([(ends[2 * index], end) for index, end in enumerate([*ends[1::2], high])])
    for u_m in spans[0]:
        for v_m in spans[1]:
            if u_m[1] - u_m[0] > 8 and v_m[1] - v_m[0] > 8:
                yield u_m, v_m


def _build_block(stage: Stage, rng: Chance, style: District, u_m: Span, v_m: Span,
                 away: int, is_second: bool) -> None:
    """Build sites along the street at the near edge, then along both sides, then the rest."""
    near_m, far_m = v_m if away > 0 else v_m[::-1]
    depth_m = abs(far_m - near_m)
    front_m = min(_FRONT_M, depth_m)
    for span in _divided(rng, style, u_m):
        _build(Site(stage, ALONG_U, span[0], near_m, away, front_m), rng, span[1])
    if is_second or depth_m - front_m < 12:
        return
    inner_m = sorted((near_m + away * front_m, far_m))
    for edge_m, side in ((u_m[0], 1), (u_m[1], -1)):
        for span in _divided(rng, style, inner_m):
            site = Site(stage, ALONG_V, span[0], edge_m, side, min(_SIDE_M, (u_m[1] - u_m[0]) / 2))
            _build(site, rng, span[1])
    if u_m[1] - u_m[0] > 2 * _SIDE_M + 10:
        rest = Site(stage, ALONG_U, (u_m[0] + _SIDE_M, u_m[1] - _SIDE_M),
                    near_m + away * front_m, away, depth_m - front_m)
        rest.fill_all(Surface.GRASS)
        scatter_trees(rest, rng, round(rest.width_m / 7), (2, 14), (7, 13))


def _divided(rng: Chance, style: District, span_m: Span
             ) -> Iterator[tuple[Span, Build]]:
    """Divide a side of a block into sites; what would not fit at the end is a wood or lawn."""
    builds = list(style.builds)
    shares = [style.builds[build] / sum(_WIDTHS_M[build]) for build in builds]
    low_m = np.ceil(span_m[0] * 2) / 2
    while span_m[1] - low_m > 6:
        build = rng.weighted(builds, shares)
        width_m = np.round(rng.uniform(*_WIDTHS_M[build]))
        room_m = np.floor((span_m[1] - low_m) * 2) / 2
        if width_m > room_m:
            fitting = [build for build in builds if _WIDTHS_M[build][0] <= room_m]
            build = rng.choice(fitting) if fitting else grove
            width_m = min(room_m, np.round(_WIDTHS_M[build][1]))
        yield (float(low_m), float(low_m + width_m)), build
        low_m += width_m


def _build(site: Site, rng: Chance, build: Build) -> None:
    """Build on a site unless it is never seen; one that is too shallow becomes a wood."""
    middle = site.at(site.width_m / 2, site.depth_m / 2)
    if site.stage.sees(*middle):
        (build if site.depth_m > _SHALLOW_M else grove)(site, rng)

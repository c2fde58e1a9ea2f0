# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Build a city: blocks divided into sites, streets, junctions, road works and traffic."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

from bdc_occ_ros.world import streets, zones
from bdc_occ_ros.world.ground import Surface
from bdc_occ_ros.world.ground_map import draw_roads, GroundMap
from bdc_occ_ros.world.primitives import Span
from bdc_occ_ros.world.road_network import ALONG_U, ALONG_V, MAP_U_M, MAP_V_M, RoadNetwork
from bdc_occ_ros.world.scene_builder import SceneBuilder, SIGHT_M, Site
from bdc_occ_ros.world.scene_rng import SceneRng
from bdc_occ_ros.world.traffic import EgoDrive, traffic

Layout = Callable[[Site, SceneRng], None]
_FRONT_M = 26.0
_SIDE_M = 20.0
_SHALLOW_M = 15.0
_WIDTHS_M: dict[Layout, Span] = {
    zones.home: (14, 20), zones.city_building: (12, 30), zones.apartments: (20, 34),
    zones.warehouse: (28, 50), zones.yard: (20, 40), zones.park: (30, 60), zones.grove: (14, 40),
    zones.plaza: (14, 24), zones.car_park: (18, 40), zones.building_site: (26, 44)}


class District(NamedTuple):
    """
    Hold the statistics of a part of the city.

    :param share: Frequency among scenes.
    :param layouts: Frequencies of the layouts of sites.
    :param pedestrians_per_m: People on every metre of sidewalk.
    :param trees_per_m: Trees on every metre of street side.
    """

    share: float
    layouts: dict[Layout, float]
    pedestrians_per_m: float
    trees_per_m: float


_DISTRICTS = (
    District(0.27, {zones.city_building: 12, zones.plaza: 0.6, zones.car_park: 0.7,
                    zones.building_site: 1.2, zones.park: 0.7}, 0.10, 0.10),
    District(0.24, {zones.home: 11, zones.apartments: 3, zones.park: 0.8, zones.grove: 1.2,
                    zones.building_site: 0.8}, 0.03, 0.10),
    District(0.25, {zones.apartments: 4, zones.city_building: 4, zones.home: 3, zones.park: 1.2,
                    zones.car_park: 0.9, zones.grove: 0.8, zones.building_site: 1.0,
                    zones.plaza: 0.4}, 0.05, 0.11),
    District(0.13, {zones.warehouse: 6, zones.yard: 3, zones.car_park: 1.5, zones.grove: 1.6,
                    zones.building_site: 1.2}, 0.02, 0.07),
    District(0.11, {zones.park: 4, zones.grove: 5, zones.home: 4, zones.apartments: 1.5,
                    zones.building_site: 0.8}, 0.035, 0.08))


def build_city(seed: int, network: RoadNetwork, ego: EgoDrive) -> SceneBuilder:
    """Return everything in a scene but its light."""
    district = SceneRng.of_part(seed, 'district').weighted(
        _DISTRICTS, [district.share for district in _DISTRICTS])
    builder = SceneBuilder(network, GroundMap(Surface.GRASS),
                           (ego.u_m - SIGHT_M, ego.end_u_m + SIGHT_M))
    _build_blocks(builder, SceneRng.of_part(seed, 'blocks'), district)
    draw_roads(builder.ground, network, SceneRng.of_part(seed, 'medians'))
    _line_streets(builder, seed, district, ego)
    streets.equip_junctions(builder, SceneRng.of_part(seed, 'junctions'), ego.red,
                            district.pedestrians_per_m)
    builder.actors.extend(
        actor for actor in traffic(SceneRng.of_part(seed, 'traffic'), network, ego)
        if actor.speed_mps != 0 or builder.sees(actor.u_m, actor.v_m))
    return builder


def _line_streets(builder: SceneBuilder, seed: int, district: District, ego: EgoDrive) -> None:
    """Place what stands, parks, works and walks along the streets."""
    furniture, people, parking, works = (
        SceneRng.of_part(seed, part) for part in ('furniture', 'people', 'parking', 'works'))
    main, has_closed_lane = builder.network.main, ego.closed_lane is not None
    for road in builder.network.roads:
        for site, direction in streets.street_sides(builder, road):
            if not _is_seen(builder, site):
                continue
            if road is main and not has_closed_lane and works.random() < 0.12:
                streets.close_sidewalk(site, works)
                continue
            streets.furnish(site, furniture, road, district.trees_per_m)
            streets.populate(site, people, road, district.pedestrians_per_m)
            if road is main and direction > 0 and has_closed_lane:
                streets.close_lane(site, works)
            elif road.parking_m:
                streets.park_vehicles(site, parking, road, direction)


def _is_seen(builder: SceneBuilder, site: Site) -> bool:
    """Return whether any of a street side comes into sight."""
    low, high = site.at(0, 0), site.at(site.width_m, 0)
    sight_u_m = builder.sight_u_m
    if site.axis == ALONG_U:
        return low[0] < sight_u_m[1] and high[0] > sight_u_m[0] and abs(low[1]) < 72
    return sight_u_m[0] < low[0] < sight_u_m[1]


def _build_blocks(builder: SceneBuilder, rng: SceneRng, district: District) -> None:
    main = builder.network.main
    for u_m, v_m in _blocks(builder.network):
        if u_m[1] < builder.sight_u_m[0] or u_m[0] > builder.sight_u_m[1]:
            continue
        if v_m[0] >= 0:
            _build_block(builder, rng, district, u_m, v_m, 1, v_m[0] > main.half_m)
        else:
            _build_block(builder, rng, district, u_m, v_m, -1, v_m[1] < -main.half_m)


def _blocks(network: RoadNetwork) -> Iterator[tuple[Span, Span]]:
    """Yield what lies between the roads, with whole cells."""
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


def _build_block(builder: SceneBuilder, rng: SceneRng, district: District, u_m: Span, v_m: Span,
                 away: int, is_second: bool) -> None:
    """Lay out sites along the street at the near edge, then along both sides, then the rest."""
    near_m, far_m = v_m if away > 0 else v_m[::-1]
    depth_m = abs(far_m - near_m)
    front_m = min(_FRONT_M, depth_m)
    for span, layout in _divided(rng, district, u_m):
        _lay_out(Site(builder, ALONG_U, span, near_m, away, front_m), rng, layout)
    if is_second or depth_m - front_m < 12:
        return
    inner_m = sorted((near_m + away * front_m, far_m))
    for edge_m, side in ((u_m[0], 1), (u_m[1], -1)):
        for span, layout in _divided(rng, district, inner_m):
            _lay_out(Site(builder, ALONG_V, span, edge_m, side,
                          min(_SIDE_M, (u_m[1] - u_m[0]) / 2)), rng, layout)
    if u_m[1] - u_m[0] > 2 * _SIDE_M + 10:
        rest = Site(builder, ALONG_U, (u_m[0] + _SIDE_M, u_m[1] - _SIDE_M),
                    near_m + away * front_m, away, depth_m - front_m)
        rest.fill_all(Surface.GRASS)
        zones.scatter_trees(rest, rng, round(rest.width_m / 7), (2, 14), (7, 13))


def _divided(rng: SceneRng, district: District, span_m: Span) -> Iterator[tuple[Span, Layout]]:
    """Divide a side of a block into sites; what would not fit at the end is a wood or lawn."""
    layouts = list(district.layouts)
    shares = [district.layouts[layout] / sum(_WIDTHS_M[layout]) for layout in layouts]
    low_m = np.ceil(span_m[0] * 2) / 2
    while span_m[1] - low_m > 6:
        layout = rng.weighted(layouts, shares)
        width_m = np.round(rng.uniform(*_WIDTHS_M[layout]))
        room_m = np.floor((span_m[1] - low_m) * 2) / 2
        if width_m > room_m:
            fitting = [layout for layout in layouts if _WIDTHS_M[layout][0] <= room_m]
            layout = rng.choice(fitting) if fitting else zones.grove
            width_m = min(room_m, np.round(_WIDTHS_M[layout][1]))
        yield (float(low_m), float(low_m + width_m)), layout
        low_m += width_m


def _lay_out(site: Site, rng: SceneRng, layout: Layout) -> None:
    """Lay out a site that comes into sight; one that is too shallow becomes a wood."""
    if site.builder.sees(*site.at(site.width_m / 2, site.depth_m / 2)):
        (layout if site.depth_m > _SHALLOW_M else zones.grove)(site, rng)

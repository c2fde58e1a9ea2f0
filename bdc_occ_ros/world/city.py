# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A city from a seed: blocks, streets, junctions, works and traffic, part by part."""

import numpy as np

from bdc_occ_ros.world.actors import Actor
from bdc_occ_ros.world.blocks import build_blocks, District, district
from bdc_occ_ros.world.chance import Chance
from bdc_occ_ros.world.ground import Surface
from bdc_occ_ros.world.ground_drawing import draw_roads, GroundMap
from bdc_occ_ros.world.junctions import equip_junctions
from bdc_occ_ros.world.road_network import ALONG_U, RoadNetwork
from bdc_occ_ros.world.stage import SIGHT_M, Site, Stage
from bdc_occ_ros.world.streets import furnish, park_vehicles, populate, street_sides
from bdc_occ_ros.world.traffic import EgoDrive, traffic
from bdc_occ_ros.world.works import road_works

_PALETTE = (
    (0.09, 0.09, 0.095), (0.09, 0.09, 0.095), (0.09, 0.09, 0.095), (0.62, 0.62, 0.60),
    (0.13, 0.13, 0.13), (0.12, 0.12, 0.12), (0.12, 0.12, 0.12), (0.38, 0.37, 0.35),
    (0.33, 0.28, 0.20), (0.11, 0.17, 0.05), (0.22, 0.19, 0.09), (0.24, 0.16, 0.09),
    (0.40, 0.33, 0.27), (0.30, 0.29, 0.28), (0.05, 0.09, 0.12))


def part_rng(seed: int, part: str) -> Chance:
    """
    Return the source of chance of one part of a scene, which no other part disturbs.

    :param seed: Seed of the scene.
    :param part: Name of the part.
    """
    return Chance(f'{part} of scene {seed}')


def palette(rng: Chance) -> np.ndarray:
    """Return the colours of the ground of one scene, (len(Surface), 3)."""
    return np.array([rng.tint(rgb, 0.05) for rgb in _PALETTE]) * [
        [rng.uniform(0.8, 1.2)] for _ in Surface]


def build(seed: int, network: RoadNetwork, ego: EgoDrive) -> Stage:
    """
    Return everything but the light of a scene.

    :param seed: Seed of the scene.
    :param ego: How the ego vehicle drives.
    """
    style = district(part_rng(seed, 'district'))
    stage = Stage(network, GroundMap(Surface.GRASS), (ego.u_m - SIGHT_M, ego.end_u_m + SIGHT_M))
    build_blocks(stage, part_rng(seed, 'blocks'), style)
    draw_roads(stage.ground, network, part_rng(seed, 'medians'))
    _line_streets(stage, seed, style, ego)
    equip_junctions(stage, part_rng(seed, 'junctions'), ego.red, style.pedestrians_per_m)
    stage.actors.extend(traffic(part_rng(seed, 'traffic'), network, ego))
    stage.actors[:] = [actor for actor in stage.actors if _matters(stage, actor)]
    return stage


def _line_streets(stage: Stage, seed: int, style: District, ego: EgoDrive) -> None:
    """Place what stands, parks, works and walks along the streets."""
    rngs = [part_rng(seed, part) for part in ('furniture', 'people', 'parking', 'works')]
    main = stage.network.main
    for road in stage.network.roads:
        for site, direction in street_sides(stage, road):
            if not _is_seen(stage, site):
                continue
            if road is main and ego.closed_lane is None and rngs[3].random() < 0.12:
                _close_side(site, rngs[3])
                continue
            furnish(site, rngs[0], road, style)
            populate(site, rngs[1], road, style)
            is_closed = road is main and direction > 0 and ego.closed_lane is not None
            if is_closed:
                _close(site, rngs[3])
            elif road.parking_m:
                park_vehicles(site, rngs[2], road, direction)


def _close(site: Site, rng: Chance) -> None:
    """Close parts of the outermost lane beside a stretch of the main road."""
    road = site.stage.network.main
    strip_m = road.lane_m + road.parking_m + road.cycling_m
    a_m = rng.uniform(4, 20)
    while a_m + 16 < site.width_m:
        width_m = rng.uniform(14, min(32.0, site.width_m - a_m))
        along_m = site.along_m[0] + a_m, site.along_m[0] + a_m + width_m
        road_works(Site(site.stage, ALONG_U, along_m, site.edge_m - site.away * strip_m,
                        site.away, strip_m), rng)
        a_m += width_m + rng.uniform(15, 50)


def _close_side(site: Site, rng: Chance) -> None:
    """Close the parking strip, the verge and a part of the sidewalk beside a stretch."""
    road = site.stage.network.main
    strip_m = road.parking_m + road.verge_m + road.sidewalk_m - 0.5
    width_m = min(site.width_m, rng.uniform(16, 40))
    start_m = site.along_m[0] + rng.uniform(0, site.width_m - width_m)
    if strip_m > 3.2:
        site.stage.ground.fill_along(
            ALONG_U, (start_m, start_m + width_m),
            (site.edge_m + site.away * 0.5, site.edge_m + site.away * site.depth_m), Surface.EARTH)
    road_works(Site(site.stage, ALONG_U, (start_m, start_m + width_m),
                    site.edge_m - site.away * road.parking_m, site.away, strip_m), rng)


def _is_seen(stage: Stage, site: Site) -> bool:
    """Return whether any of a street side is seen."""
    low, high = site.at(0, 0), site.at(site.width_m, 0)
    if site.axis == ALONG_U:
        return low[0] < stage.sight_u_m[1] and high[0] > stage.sight_u_m[0] and abs(low[1]) < 72
    return stage.sight_u_m[0] < low[0] < stage.sight_u_m[1]


def _matters(stage: Stage, actor: Actor) -> bool:
    """Return whether a thing comes near enough to matter; what moves always does."""
    return actor.speed_mps != 0 or stage.sees(actor.u_m, actor.v_m)

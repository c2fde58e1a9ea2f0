# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Furnish streets and junctions: what stands, parks, works, walks and crosses there."""

from collections.abc import Iterator

import numpy as np

from bdc_occ_ros.world import street_furniture as furniture
from bdc_occ_ros.world.ground import Surface
from bdc_occ_ros.world.ground_map import APRON_M, crossings, CROSSWALK_GAP_M, CROSSWALK_M
from bdc_occ_ros.world.plants import bush, tree
from bdc_occ_ros.world.road_network import ALONG_U, MAP_U_M, MAP_V_M, Road
from bdc_occ_ros.world.road_users import bicycle, motorcycle, pedestrian
from bdc_occ_ros.world.scene_builder import ACROSS_RAD, Actor, SceneBuilder, Site
from bdc_occ_ros.world.scene_rng import SceneRng
from bdc_occ_ros.world.vehicles import bus, car, construction_vehicle, trailer, truck
from bdc_occ_ros.world.zones import SOIL_RGB

_PITCH_M = 6.4
_GREEN, _RED = 2, 0
_SMALL_THINGS = {
    furniture.sign: 0.25, furniture.litter_bin: 0.24, furniture.hydrant: 0.1,
    furniture.parcels: 0.08, bicycle: 0.03, furniture.cabinet: 0.09, bush: 0.12,
    furniture.bench: 0.09}
# What parks below which bound of a uniform draw; motorcycles above.
_PARKED = ((car, 0.82), (truck, 0.87), (bus, 0.89), (trailer, 0.915),
           (construction_vehicle, 0.945))


def street_sides(builder: SceneBuilder, road: Road) -> Iterator[tuple[Site, int]]:
    """
    Yield both sides of a road between its junctions, and the direction of the lanes beside.

    b runs from the curb outwards.
    """
    ends = [(MAP_U_M, MAP_V_M)[road.axis][0]]
    for other in builder.network.along(1 - road.axis):
        reach_m = other.half_roadway_m + APRON_M + 1
        ends += [other.centre_m - reach_m, other.centre_m + reach_m]
    ends.append((MAP_U_M, MAP_V_M)[road.axis][1])
    for direction in (-1, 1):
        edge_m = road.side(direction, road.half_roadway_m)
        away = 1 if edge_m > road.centre_m else -1
        for low_m, high_m in zip(ends[::2], ends[1::2], strict=True):
            if high_m - low_m > 10:
                yield Site(builder, road.axis, (low_m, high_m), edge_m, away,
                           road.verge_m + road.sidewalk_m), direction


def furnish(site: Site, rng: SceneRng, road: Road, trees_per_m: float) -> None:
    """Place lamps, trees, signs, bins and the like along the curb of one side of a road."""
    curb_m = road.verge_m / 2 if road.verge_m else 0.5
    lamps_m = rng.uniform(24, 36)
    lamp = furniture.power_pole if rng.random() < 0.25 else furniture.street_lamp
    trees_per_m = trees_per_m * rng.choice((0.1, 1.0, 2.0)) * (1.4 if road.verge_m else 0.8)
    height_m = rng.uniform(5.5, 8.5)
    next_lamp_m = rng.uniform(2, lamps_m)
    a_m = rng.uniform(1, 4)
    while a_m < site.width_m - 1:
        draw = rng.random()
        if a_m > next_lamp_m:
            site.put(a_m, curb_m, lamp(rng), -ACROSS_RAD)
            next_lamp_m += lamps_m
        elif draw < trees_per_m * 4:
            site.put(a_m, curb_m, tree(rng, height_m * rng.uniform(0.9, 1.2), curb_m + 1.3), draw)
        elif draw > 0.62:
            _put_small_thing(site, rng, a_m, curb_m, bool(road.verge_m))
        a_m += rng.uniform(3, 5)
    if rng.random() < 0.45:
        _close_curb(site, rng, curb_m)
    if road.sidewalk_m >= 3 and rng.random() < 0.25 and site.width_m > 30:
        site.put(site.width_m * 0.4, road.verge_m + 1.2, furniture.shelter(rng), np.pi)


def _put_small_thing(site: Site, rng: SceneRng, a_m: float, curb_m: float, has_verge: bool
                     ) -> None:
    thing = rng.weighted([*_SMALL_THINGS], [*_SMALL_THINGS.values()])
    if thing is bicycle:
        for shift_m in np.arange(0, rng.integers(1, 3)) * 0.7:
            site.put(a_m + shift_m, curb_m + 0.6, bicycle(rng, False),
                     ACROSS_RAD + rng.uniform(-0.15, 0.15))
    elif thing is furniture.sign:
        site.put(a_m, curb_m, furniture.sign(rng), rng.choice((0, np.pi)))
    elif thing is furniture.bench:
        site.put(a_m, curb_m + 0.2, furniture.bench(rng), np.pi)
    else:
        thing = furniture.litter_bin if thing is bush and not has_verge else thing
        site.put(a_m, curb_m + (0.3 if thing is furniture.parcels else 0), thing(rng))


def _close_curb(site: Site, rng: SceneRng, curb_m: float) -> None:
    """Put a few barriers or cones at the curb."""
    kind = rng.integers(0, 6)
    a_m = rng.uniform(2, site.width_m - 2)
    for _ in range(rng.integers(2, 6)):
        if kind < 3:
            site.put(a_m, curb_m + 0.5, furniture.barrier(rng, kind), ACROSS_RAD)
            a_m += 2.6
        else:
            site.put(a_m, curb_m + rng.uniform(-0.1, 0.6), furniture.traffic_cone(rng),
                     rng.uniform(0, 6))
            a_m += rng.uniform(1.0, 2.5)


def populate(site: Site, rng: SceneRng, road: Road, pedestrians_per_m: float) -> None:
    """Let people walk and stand on the sidewalk of one side of a road."""
    middle_m = road.verge_m + 0.5 * road.sidewalk_m
    half_m = 0.5 * road.sidewalk_m - 0.6
    for _ in range(rng.poisson(site.width_m * pedestrians_per_m)):
        a_m, b_m = rng.uniform(0, site.width_m), middle_m + rng.uniform(-half_m, half_m) + 0.2
        if rng.random() < 0.7:
            site.walk(a_m, b_m, pedestrian(rng), rng.uniform(0.7, 1.7) * rng.choice((-1, 1)))
            continue
        for _ in range(rng.integers(1, 4)):
            site.put(a_m + rng.uniform(-0.9, 0.9), b_m + rng.uniform(-0.4, 0.4), pedestrian(rng),
                     rng.uniform(0, 6))
        if rng.random() < 0.2:
            site.put(a_m + 1.3, b_m, furniture.dog(rng), rng.uniform(0, 6))
    if rng.random() < 0.06 and site.axis == ALONG_U:
        site.walk(rng.uniform(0, site.width_m), middle_m + half_m, bicycle(rng, True),
                  rng.uniform(2, 4) * rng.choice((-1, 1)))


def park_vehicles(site: Site, rng: SceneRng, road: Road, direction: int) -> None:
    """
    Fill the parking strip of one side of a road; what is wider stands over the curb.

    :param direction: Direction of the lanes beside the strip.
    """
    turn_rad = 0.0 if site.away == -direction * (1 - 2 * road.axis) else np.pi
    fill = rng.uniform(0.25, 0.9)
    a_m = rng.uniform(0.5, 3)
    while a_m < site.width_m - 15:
        kind = rng.random()
        if rng.random() > fill:
            a_m += _PITCH_M
        elif vehicle := next((vehicle for vehicle, bound in _PARKED if kind < bound), None):
            model = vehicle(rng)
            length_m, width_m, _ = model.size_m
            site.put(a_m + length_m / 2, max(width_m, road.parking_m) / 2 - road.parking_m, model,
                     turn_rad)
            a_m += max(_PITCH_M, length_m + 0.9)
        else:
            for _ in range(rng.integers(1, 4)):
                site.put(a_m + 0.6, -road.parking_m / 2, motorcycle(rng, False),
                         ACROSS_RAD + rng.uniform(-0.15, 0.15))
                a_m += 1.1
            a_m += 1.0


def close_lane(site: Site, rng: SceneRng) -> None:
    """Set up works on parts of the outermost lane beside one side of the main road."""
    road = site.builder.network.main
    strip_m = road.lane_m + road.parking_m + road.cycling_m
    a_m = rng.uniform(4, 20)
    while a_m + 16 < site.width_m:
        width_m = rng.uniform(14, min(32.0, site.width_m - a_m))
        along_m = site.along_m[0] + a_m, site.along_m[0] + a_m + width_m
        _set_up_works(Site(site.builder, ALONG_U, along_m, site.edge_m - site.away * strip_m,
                           site.away, strip_m), rng)
        a_m += width_m + rng.uniform(15, 50)


def close_sidewalk(site: Site, rng: SceneRng) -> None:
    """Set up works on parking strip, verge and a part of the sidewalk of the main road."""
    road = site.builder.network.main
    strip_m = road.parking_m + road.verge_m + road.sidewalk_m - 0.5
    width_m = min(site.width_m, rng.uniform(16, 40))
    start_m = site.along_m[0] + rng.uniform(0, site.width_m - width_m)
    if strip_m > 3.2:
        site.builder.ground.fill_along(
            ALONG_U, (start_m, start_m + width_m),
            (site.edge_m + site.away * 0.5, site.edge_m + site.away * site.depth_m), Surface.EARTH)
    _set_up_works(Site(site.builder, ALONG_U, (start_m, start_m + width_m),
                       site.edge_m - site.away * road.parking_m, site.away, strip_m), rng)


def _set_up_works(site: Site, rng: SceneRng) -> None:
    """Close a strip by cones and barriers, with b from the open lanes to the curb."""
    kind = rng.integers(0, 5)
    for a_m in np.arange(0.5, site.width_m, 2.6 if kind < 3 else 1.6):
        model = furniture.barrier(rng, kind) if kind < 3 else furniture.traffic_cone(rng)
        site.put(a_m, 0.4, model, ACROSS_RAD)
    for end_m in (0.3, site.width_m - 0.3):
        for b_m in np.arange(1.1, site.depth_m - 0.4, 1.0):
            site.put(end_m, b_m, furniture.traffic_cone(rng), rng.uniform(0, 6))
    middle_m = max(0.6 + 1.5, site.depth_m / 2 + 0.4)
    a_m = rng.uniform(5, 7)
    while a_m < site.width_m - 5:
        draw = rng.random()
        if draw < 0.4 and site.depth_m > 3.2:
            site.put(a_m, middle_m, construction_vehicle(rng), rng.choice((0, np.pi)))
        elif draw < 0.6 and site.depth_m > 3.2:
            site.put(a_m, middle_m, truck(rng))
        elif draw < 0.85:
            site.put(a_m, site.depth_m / 2 + 0.3, furniture.mound(
                rng, 0.3 * site.depth_m, rng.uniform(0.5, 1.0), SOIL_RGB))
        else:
            site.put(a_m, site.depth_m - 0.8, furniture.parcels(rng))
        for _ in range(rng.integers(0, 3)):
            site.put(a_m + 5 + rng.uniform(-0.4, 0.4), rng.uniform(1.2, site.depth_m - 0.5),
                     pedestrian(rng, True), rng.uniform(0, 6))
        a_m += rng.uniform(11, 13)


def equip_junctions(builder: SceneBuilder, rng: SceneRng, red: Road | None,
                    pedestrians_per_m: float) -> None:
    """Set up lights on the main road, red at one cross road or none, and let people cross."""
    for first, second in crossings(builder.network):
        if not builder.sees(second.centre_m, first.centre_m) or first is not builder.network.main:
            continue
        main_light = _RED if second is red else _GREEN
        if second is red or rng.random() < 0.7:
            _set_up_lights(builder, first, second, main_light)
            _set_up_lights(builder, second, first, _GREEN - main_light)
        waiting, other = (first, second) if second is red else (second, first)
        for end in (-1, 1):
            _let_cross(builder, rng, waiting, other, end, pedestrians_per_m)


def _set_up_lights(builder: SceneBuilder, road: Road, other: Road, lit: int) -> None:
    """Set up the lights for the traffic of a road, beyond the junction."""
    model = furniture.traffic_light(min(road.half_roadway_m * 0.5, 5.0), lit)
    for direction in (-1, 1):
        builder.actors.append(Actor.on_line(
            model, road.axis, other.centre_m + direction * (other.half_roadway_m + 0.6),
            road.side(direction, road.half_roadway_m + 0.6), direction))


def _let_cross(builder: SceneBuilder, rng: SceneRng, waiting: Road, other: Road, end: int,
               pedestrians_per_m: float) -> None:
    """Let people walk over the crosswalk of a road whose traffic waits."""
    low_m = other.half_roadway_m + CROSSWALK_GAP_M + 0.4
    reach_m = waiting.half_m + 8
    for _ in range(rng.poisson(0.6 + 25 * pedestrians_per_m)):
        across_m = other.centre_m + end * (low_m + rng.uniform(0, CROSSWALK_M - 0.8))
        along_m = waiting.centre_m + rng.uniform(-reach_m, reach_m)
        direction = rng.choice((-1, 1))
        builder.actors.append(Actor.on_line(pedestrian(rng), 1 - waiting.axis, along_m, across_m,
                                            direction, rng.uniform(0.9, 1.5)))

# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Along the streets: stretches between junctions, and what stands, parks and walks there."""

from collections.abc import Iterator

import numpy as np

from bdc_occ_ros.world.blocks import District
from bdc_occ_ros.world.cars import car
from bdc_occ_ros.world.chance import Chance
from bdc_occ_ros.world.construction import barrier, cone, construction_vehicle
from bdc_occ_ros.world.cycles import bicycle, motorcycle
from bdc_occ_ros.world.ground_drawing import APRON_M
from bdc_occ_ros.world.parts import Model
from bdc_occ_ros.world.people import pedestrian
from bdc_occ_ros.world.plants import bush, tree
from bdc_occ_ros.world.road_network import ALONG_U, MAP_U_M, MAP_V_M, Road
from bdc_occ_ros.world.stage import MANMADE, OTHERS, Site, Stage, VEGETATION
from bdc_occ_ros.world.street_furniture import (
    bench,
    boxes,
    cabinet,
    dog,
    hydrant,
    litter_bin,
    power_pole,
    shelter,
    sign,
    street_lamp,
)
from bdc_occ_ros.world.vehicles import bus, trailer, truck

_ACROSS = np.pi / 2
_PITCH_M = 6.4


def street_sides(stage: Stage, road: Road) -> Iterator[tuple[Site, int]]:
    """
    Return both sides of a road between its junctions, and the direction of the lanes beside.

    b runs from the curb outwards.

    :param stage: What is built onto.
    """
    ends = [(MAP_U_M, MAP_V_M)[road.axis][0]]
    for other in stage.network.along(1 - road.axis):
        reach_m = other.half_roadway_m + APRON_M + 1
        ends += [other.centre_m - reach_m, other.centre_m + reach_m]
    ends.append((MAP_U_M, MAP_V_M)[road.axis][1])
    for direction in (-1, 1):
        edge_m = road.side(direction, road.half_roadway_m)
        away = 1 if edge_m > road.centre_m else -1
        for low_m, high_m in zip(ends[::2], ends[1::2], strict=True):
            if high_m - low_m > 10:
                yield Site(stage, road.axis, (low_m, high_m), edge_m, away,
                           road.verge_m + road.sidewalk_m), direction


def furnish(site: Site, rng: Chance, road: Road, style: District) -> None:
    """
    Place lamps, trees, signs, bins and the like along the curb.

    :param site: Side of a road.
    :param style: What the part of the city is like.
    """
    curb_m = road.verge_m / 2 if road.verge_m else 0.5
    lamps_m = rng.uniform(24, 36)
    poles = power_pole if rng.random() < 0.25 else street_lamp
    trees_per_m = style.trees_per_m * rng.choice((0.1, 1.0, 2.0)) * (1.4 if road.verge_m else 0.8)
    height_m = rng.uniform(5.5, 8.5)
    next_lamp_m = rng.uniform(2, lamps_m)
    a_m = rng.uniform(1, 4)
    while a_m < site.width_m - 1:
        draw = rng.random()
        if a_m > next_lamp_m:
            site.put(a_m, curb_m, poles(rng), MANMADE, -_ACROSS)
            next_lamp_m += lamps_m
        elif draw < trees_per_m * 4:
            site.put(a_m, curb_m, tree(rng, height_m * rng.uniform(0.9, 1.2), curb_m + 1.3),
                     VEGETATION, draw)
        elif draw > 0.62:
            _small_thing(site, rng, a_m, curb_m, bool(road.verge_m))
        a_m += rng.uniform(3, 5)
    if rng.random() < 0.45:
        _closure(site, rng, curb_m)
    if road.sidewalk_m >= 3 and rng.random() < 0.25 and site.width_m > 30:
        site.put(site.width_m * 0.4, road.verge_m + 1.2, shelter(rng), MANMADE, np.pi)


def _closure(site: Site, rng: Chance, curb_m: float) -> None:
    """Put a few barriers or cones at the curb."""
    kind = rng.integers(0, 6)
    a_m = rng.uniform(2, site.width_m - 2)
    for _ in range(rng.integers(2, 6)):
        if kind < 3:
            site.stand(a_m, curb_m + 0.5, barrier(rng, kind), _ACROSS)
            a_m += 2.6
        else:
            site.stand(a_m, curb_m + rng.uniform(-0.1, 0.6), cone(rng), rng.uniform(0, 6))
            a_m += rng.uniform(1.0, 2.5)


def _small_thing(site: Site, rng: Chance, a_m: float, curb_m: float, verge: bool
                 ) -> None:
    """Place one of the many small things at a curb."""
    kind = rng.weighted(range(8), (0.25, 0.24, 0.1, 0.08, 0.03, 0.09, 0.12, 0.09))
    if kind == 0:
        site.put(a_m, curb_m, sign(rng), MANMADE, rng.choice((0, np.pi)))
    elif kind == 1:
        site.put(a_m, curb_m, litter_bin(rng), OTHERS)
    elif kind == 2:
        site.put(a_m, curb_m, hydrant(), OTHERS)
    elif kind == 3:
        site.put(a_m, curb_m + 0.3, boxes(rng), OTHERS)
    elif kind == 4:
        for shift_m in np.arange(0, rng.integers(1, 3)) * 0.7:
            site.stand(a_m + shift_m, curb_m + 0.6, bicycle(rng, False),
                       _ACROSS + rng.uniform(-0.15, 0.15))
    elif kind == 5:
        site.put(a_m, curb_m, cabinet(rng), MANMADE)
    elif kind == 6:
        site.put(a_m, curb_m, bush(rng) if verge else litter_bin(rng),
                 VEGETATION if verge else OTHERS)
    else:
        site.put(a_m, curb_m + 0.2, bench(rng), MANMADE, np.pi)


def populate(site: Site, rng: Chance, road: Road, style: District) -> None:
    """
    Let people walk and stand on the sidewalk.

    :param site: Side of a road.
    :param style: What the part of the city is like.
    """
    middle_m = road.verge_m + 0.5 * road.sidewalk_m
    half_m = 0.5 * road.sidewalk_m - 0.6
    for _ in range(rng.poisson(site.width_m * style.pedestrians_per_m)):
        a_m, b_m = rng.uniform(0, site.width_m), middle_m + rng.uniform(-half_m, half_m) + 0.2
        if rng.random() < 0.7:
            site.walk(a_m, b_m, pedestrian(rng), rng.uniform(0.7, 1.7) * rng.choice((-1, 1)))
            continue
        for _ in range(rng.integers(1, 4)):
            site.stand(a_m + rng.uniform(-0.9, 0.9), b_m + rng.uniform(-0.4, 0.4),
                       pedestrian(rng), rng.uniform(0, 6))
        if rng.random() < 0.2:
            site.put(a_m + 1.3, b_m, dog(rng), OTHERS, rng.uniform(0, 6))
    if rng.random() < 0.06 and site.axis == ALONG_U:
        site.walk(rng.uniform(0, site.width_m), middle_m + half_m, bicycle(rng, True),
                  rng.uniform(2, 4) * rng.choice((-1, 1)))


def park_vehicles(site: Site, rng: Chance, road: Road, direction: int) -> None:
    """
    Fill the parking strip of one side of a road.

    :param site: Side of a road.
    :param direction: Direction of the lanes beside the strip.
    """
    turn_rad = 0.0 if site.away == -direction * (1 - 2 * road.axis) else np.pi
    fill = rng.uniform(0.25, 0.9)
    a_m = rng.uniform(0.5, 3)
    while a_m < site.width_m - 15:
        kind = rng.random()
        if rng.random() > fill:
            a_m += _PITCH_M
        elif kind < 0.82:
            a_m = _park(site, a_m, road.parking_m, car(rng), turn_rad)
        elif kind < 0.87:
            a_m = _park(site, a_m, road.parking_m, truck(rng), turn_rad)
        elif kind < 0.89:
            a_m = _park(site, a_m, road.parking_m, bus(rng), turn_rad)
        elif kind < 0.915:
            a_m = _park(site, a_m, road.parking_m, trailer(rng), turn_rad)
        elif kind < 0.945:
            a_m = _park(site, a_m, road.parking_m, construction_vehicle(rng), turn_rad)
        else:
            for _ in range(rng.integers(1, 4)):
                site.stand(a_m + 0.6, -road.parking_m / 2, motorcycle(rng, False),
                           _ACROSS + rng.uniform(-0.15, 0.15))
                a_m += 1.1
            a_m += 1.0


def _park(site: Site, a_m: float, strip_m: float, model: Model, turn_rad: float) -> float:
    """Park one vehicle, over the curb if it is wide, and return where the next may stand."""
    length_m, width_m, _ = model.size_m
    site.stand(a_m + length_m / 2, max(width_m, strip_m) / 2 - strip_m, model, turn_rad)
    return a_m + max(_PITCH_M, length_m + 0.9)

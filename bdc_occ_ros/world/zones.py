# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What is built on the sites of a block: homes, city buildings, halls and yards."""

import numpy as np

from bdc_occ_ros.world.buildings import hall, house, tower
from bdc_occ_ros.world.cars import car
from bdc_occ_ros.world.chance import Chance
from bdc_occ_ros.world.construction import construction_vehicle
from bdc_occ_ros.world.ground import Surface
from bdc_occ_ros.world.plants import bush, hedge, tree
from bdc_occ_ros.world.stage import MANMADE, OTHERS, Site, VEGETATION
from bdc_occ_ros.world.street_furniture import (
    boxes,
    cabinet,
    container,
    dumpster,
    fence,
    litter_bin,
    wall,
)
from bdc_occ_ros.world.vehicles import tractor, trailer, truck

_ACROSS = np.pi / 2


def scatter_trees(site: Site, rng: Chance, count: int, b_m: tuple[float, float],
                  height_m: tuple[float, float]) -> None:
    """
    Plant trees here and there.

    :param b_m: Between which distances from the street.
    """
    for _ in range(count):
        site.put(rng.uniform(1.5, max(1.6, site.width_m - 1.5)), rng.uniform(*b_m),
                 tree(rng, rng.uniform(*height_m)), VEGETATION, rng.uniform(0, 6))


def scatter_bushes(site: Site, rng: Chance, count: int, b_m: tuple[float, float]
                   ) -> None:
    """
    Plant bushes here and there.

    :param b_m: Between which distances from the street.
    """
    for _ in range(count):
        site.put(rng.uniform(1, max(1.1, site.width_m - 1)), rng.uniform(*b_m), bush(rng),
                 VEGETATION, rng.uniform(0, 6))


def home(site: Site, rng: Chance) -> None:
    """Build a house with its garden and driveway."""
    site.fill_all(Surface.GRASS if rng.random() < 0.8 else Surface.DRY_GRASS)
    drive_m = 3.5
    setback_m = float(rng.integers(3, 7))
    width_m, depth_m = site.width_m - drive_m - rng.uniform(1.2, 2.5), rng.uniform(8, 11)
    site.put(drive_m + 0.8 + width_m / 2, setback_m + depth_m / 2, house(rng, width_m, depth_m),
             MANMADE)
    site.fill((0.5, drive_m), (0, setback_m + depth_m), Surface.LOT)
    door_m = np.round(drive_m + width_m / 2)
    site.fill((door_m, door_m + 1), (0, setback_m), Surface.PATH)
    if rng.random() < 0.5:
        site.stand(2.0, setback_m + rng.uniform(0, 3), car(rng), _ACROSS * rng.choice((-1, 1)))
    if rng.random() < 0.3:
        site.put(drive_m + 0.6, 1.0, litter_bin(rng), OTHERS)
    border = rng.random()
    free_m = site.width_m - drive_m - 3.0
    if border < 0.45:
        site.put(drive_m + 2 + free_m / 2, 0.7, hedge(rng, free_m), VEGETATION)
    elif border < 0.7:
        site.put(drive_m + 2 + free_m / 2, 0.4, fence(rng, free_m, rng.uniform(0.9, 1.4)),
                 MANMADE)
    if rng.random() < 0.5:
        long_m = site.depth_m - 2
        edge, label = (hedge(rng, long_m), VEGETATION) if rng.random() < 0.5 else (
            fence(rng, long_m, 1.7), MANMADE)
        site.put(site.width_m - 0.4, 1 + long_m / 2, edge, label, _ACROSS)
    scatter_trees(site, rng, rng.integers(0, 3), (1.5, setback_m - 1), (4, 7))
    scatter_trees(site, rng, rng.integers(1, 4),
                  (setback_m + depth_m + 3, max(site.depth_m, setback_m + depth_m + 4)), (6, 12))
    scatter_bushes(site, rng, rng.integers(2, 7), (1, setback_m - 0.8))


def city_building(site: Site, rng: Chance) -> None:
    """Build a city building right at the sidewalk."""
    site.fill_all(Surface.SIDEWALK)
    setback_m = rng.choice((0.3, 0.3, 2.5))
    depth_m = min(site.depth_m - setback_m, rng.uniform(14, 24))
    site.put(site.width_m / 2, setback_m + depth_m / 2,
             tower(rng, site.width_m - rng.choice((0.1, 0.1, 2.0)), depth_m,
                   rng.uniform(8, 45)), MANMADE)
    if setback_m > 1:
        for a_m in np.arange(2, site.width_m - 2, rng.uniform(4, 8)):
            site.put(a_m, 1.0, bush(rng), VEGETATION)
    if rng.random() < 0.3:
        site.put(rng.uniform(1, site.width_m - 1), -0.5, boxes(rng), OTHERS)


def apartments(site: Site, rng: Chance) -> None:
    """Build a block of flats on a lawn."""
    site.fill_all(Surface.GRASS)
    setback_m = float(rng.integers(3, 8))
    depth_m = min(14.0, site.depth_m - setback_m)
    site.put(site.width_m / 2, setback_m + depth_m / 2,
             tower(rng, site.width_m - rng.uniform(4, 8), depth_m, rng.uniform(9, 22)), MANMADE)
    middle_m = np.round(site.width_m / 2)
    site.fill((middle_m - 1, middle_m + 1), (0, setback_m), Surface.PATH)
    scatter_trees(site, rng, rng.integers(1, 4), (1.5, setback_m - 2), (5, 9))
    scatter_bushes(site, rng, rng.integers(3, 8), (1, setback_m - 1))
    if rng.random() < 0.5:
        site.put(site.width_m - 1.6, 1.2, dumpster(rng), OTHERS)
    if rng.random() < 0.4:
        site.put(site.width_m / 4, 0.5, wall(rng, site.width_m / 2 - 3, rng.uniform(0.6, 1.4)),
                 MANMADE)


def warehouse(site: Site, rng: Chance) -> None:
    """Build a hall behind a forecourt with lorries."""
    site.fill_all(Surface.LOT)
    forecourt_m = float(rng.integers(6, 16))
    depth_m = max(8.0, site.depth_m - forecourt_m)
    site.put(site.width_m / 2, forecourt_m + depth_m / 2,
             hall(rng, site.width_m - rng.uniform(2, 6), depth_m), MANMADE)
    a_m = 4.0
    while a_m < site.width_m - 3:
        model = rng.weighted((trailer, truck, car, tractor), (0.3, 0.25, 0.3, 0.15))(rng)
        if rng.random() < 0.5 and model.size_m[0] < forecourt_m - 1:
            site.stand(a_m, forecourt_m - 0.6 - model.size_m[0] / 2, model, -_ACROSS)
        a_m += 4.5
    _front(site, rng)
    site.put(site.width_m - 2, 2, dumpster(rng), OTHERS)
    if rng.random() < 0.6:
        site.put(1.5, 1.5, boxes(rng), OTHERS)


def yard(site: Site, rng: Chance) -> None:
    """Fill a yard with trailers, containers, lorries and machines."""
    site.fill_all(Surface.EARTH if rng.random() < 0.5 else Surface.LOT)
    _front(site, rng)
    a_m = 3.0
    while a_m < site.width_m - 3:
        kind = rng.random()
        b_m = rng.uniform(2.5, 4.0)
        if kind < 0.3:
            model = trailer(rng)
        elif kind < 0.5:
            model = truck(rng)
        elif kind < 0.58:
            model = construction_vehicle(rng)
        else:
            site.put(a_m, b_m + 6.5, container(rng), MANMADE, _ACROSS)
            if rng.random() < 0.4:
                site.put(a_m, b_m - 1.2, boxes(rng), OTHERS)
            a_m += 4.2
            continue
        site.stand(a_m, b_m + model.size_m[0] / 2, model, _ACROSS * rng.choice((-1, 1)))
        a_m += 4.2
    scatter_trees(site, rng, rng.integers(0, 4), (site.depth_m - 4, site.depth_m), (6, 10))


def _front(site: Site, rng: Chance) -> None:
    """Close off the front with a fence, a wall, a hedge or nothing, apart from a gate."""
    kind = rng.random()
    long_m = site.width_m - 7
    if kind < 0.5:
        site.put(long_m / 2, 0.5, fence(rng, long_m, rng.uniform(1.6, 2.3)), MANMADE)
    elif kind < 0.7:
        site.put(long_m / 2, 0.5, wall(rng, long_m, rng.uniform(1.2, 2.0)), MANMADE)
    elif kind < 0.85:
        site.put(long_m / 2, 0.8, hedge(rng, long_m), VEGETATION)
    if rng.random() < 0.4:
        site.put(site.width_m - 1, 1.2, cabinet(rng), MANMADE)

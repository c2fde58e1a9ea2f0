# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What is left open on the sites of a block: parks, plazas, car parks and building sites."""

import numpy as np

from bdc_occ_ros.world.cars import car
from bdc_occ_ros.world.chance import Chance
from bdc_occ_ros.world.construction import barrier, cone, construction_vehicle
from bdc_occ_ros.world.cycles import bicycle, motorcycle
from bdc_occ_ros.world.ground import BAY_M, Surface
from bdc_occ_ros.world.parts import part, Parts
from bdc_occ_ros.world.people import pedestrian
from bdc_occ_ros.world.plants import bush, hedge, tree
from bdc_occ_ros.world.road_network import ALONG_U
from bdc_occ_ros.world.solids import Material, Shape
from bdc_occ_ros.world.stage import MANMADE, OTHERS, Site, TERRAIN, VEGETATION
from bdc_occ_ros.world.street_furniture import (
    bench,
    boxes,
    container,
    dog,
    litter_bin,
    street_lamp,
)
from bdc_occ_ros.world.vehicles import truck
from bdc_occ_ros.world.zones import scatter_bushes, scatter_trees

_ACROSS = np.pi / 2
_GRASS = (0.11, 0.17, 0.05)
_SOIL = (0.24, 0.16, 0.09)


def mound(rng: Chance, radius_m: float, height_m: float, rgb: tuple) -> Parts:
    """Return a mound of earth or grass."""
    x_m, y_m = radius_m * rng.uniform(0.7, 1.3), radius_m * rng.uniform(0.7, 1.3)
    return [part(Shape.ELLIPSOID, (-x_m, x_m), (-y_m, y_m), (-height_m, height_m),
                 Material.EARTH, rgb)]


def park(site: Site, rng: Chance) -> None:
    """Lay out a park: lawn, paths, trees, mounds, benches and maybe a pond."""
    site.fill_all(Surface.GRASS if rng.random() < 0.8 else Surface.DRY_GRASS)
    path_m = float(rng.integers(4, 10))
    site.fill((0, site.width_m), (path_m, path_m + 2), Surface.PATH)
    for a_m in np.arange(float(rng.integers(4, 12)), site.width_m - 3, 17.0):
        site.fill((a_m, a_m + 1.5), (0, site.depth_m), Surface.PATH)
        site.put(a_m + 3, path_m - 0.6, bench(rng), MANMADE)
        if rng.random() < 0.5:
            site.put(a_m + 5, path_m - 0.5, litter_bin(rng), OTHERS)
        if rng.random() < 0.5:
            site.put(a_m + 9, path_m + 2.4, street_lamp(rng), MANMADE)
    area_m2 = site.width_m * site.depth_m
    for _ in range(round(area_m2 / 450)):
        site.put(rng.uniform(3, site.width_m - 3), rng.uniform(path_m + 4, site.depth_m),
                 mound(rng, rng.uniform(2, 5), rng.uniform(0.5, 1.6), _GRASS), TERRAIN)
    if rng.random() < 0.3 and site.width_m > 26:
        site.fill((8, 20), (path_m + 5, path_m + 12), Surface.WATER)
    scatter_trees(site, rng, round(area_m2 / 75), (path_m + 3, site.depth_m), (6, 14))
    scatter_trees(site, rng, round(site.width_m / 12), (1.5, path_m - 1), (5, 9))
    scatter_bushes(site, rng, round(area_m2 / 50), (1, site.depth_m))
    for _ in range(rng.poisson(site.width_m / 14)):
        a_m, speed_mps = rng.uniform(0, site.width_m), rng.uniform(0.8, 1.6) * rng.choice((-1, 1))
        site.walk(a_m, path_m + rng.uniform(0.3, 1.7), pedestrian(rng), speed_mps)
        if rng.random() < 0.3:
            site.put(rng.uniform(1, site.width_m - 1), rng.uniform(2, path_m), dog(rng), OTHERS,
                     rng.uniform(0, 6))
    if rng.random() < 0.25:
        site.walk(rng.uniform(0, site.width_m), path_m + 1, bicycle(rng, True),
                  rng.uniform(2, 4) * rng.choice((-1, 1)))


def grove(site: Site, rng: Chance) -> None:
    """Plant a wood that begins at the sidewalk."""
    site.fill_all(Surface.GRASS if rng.random() < 0.6 else Surface.EARTH)
    area_m2 = site.width_m * site.depth_m
    scatter_trees(site, rng, round(area_m2 / 40), (3, site.depth_m), (6, 14))
    scatter_bushes(site, rng, round(area_m2 / 25), (1.5, 10))


def plaza(site: Site, rng: Chance) -> None:
    """Lay out a paved square with trees in tubs, benches and people."""
    site.fill_all(Surface.SIDEWALK)
    site.fill((3, site.width_m - 3), (4, 11.0), Surface.PLAZA)
    for a_m in np.arange(3, site.width_m - 2, 7.0):
        for b_m in (4.0, 11.0):
            site.put(a_m, b_m, tree(rng, rng.uniform(4, 7)), VEGETATION)
            site.put(a_m, b_m, [part(Shape.BOX, (-0.8, 0.8), (-0.8, 0.8), (0, 0.6),
                                     Material.CONCRETE, (0.4, 0.4, 0.38))], MANMADE)
        if rng.random() < 0.7:
            site.put(a_m + 3, 4.2, bench(rng), MANMADE)
        if rng.random() < 0.4:
            site.put(a_m + 4.5, 4.2, litter_bin(rng), OTHERS)
    for _ in range(rng.poisson(site.width_m / 5)):
        site.stand(rng.uniform(1, site.width_m - 1), rng.uniform(5.5, 9.5), pedestrian(rng),
                   rng.uniform(0, 6))
    for a_m in np.arange(1.0, rng.uniform(0, 3), 0.8):
        site.stand(a_m, 2.0, bicycle(rng, False), _ACROSS)


def car_park(site: Site, rng: Chance) -> None:
    """Lay out a car park: rows of bays with aisles between."""
    site.fill_all(Surface.LOT)
    bays = Surface.BAYS_X if site.axis == ALONG_U else Surface.BAYS_Y
    first_m = (-site.along_m[0]) % BAY_M
    fill = rng.uniform(0.4, 0.95)
    for row, b_m in enumerate((2.5, 13.5, 19.5)):
        if b_m + 5 > site.depth_m:
            break
        site.fill((0, site.width_m), (b_m, b_m + 5), bays)
        for a_m in np.arange(first_m + BAY_M / 2, site.width_m - BAY_M / 2, BAY_M):
            if rng.random() < fill:
                site.stand(a_m + 0.06, b_m + 2.5, car(rng), _ACROSS * rng.choice((-1, 1)))
            elif row == 0 and rng.random() < 0.15:
                site.stand(a_m + 0.06, b_m + 2.5, motorcycle(rng, False), _ACROSS)
    for a_m in np.arange(2, site.width_m - 2, 5.0):
        if rng.random() < 0.6:
            site.put(a_m, 1.2, bush(rng), VEGETATION)
    site.put(site.width_m / 2, site.depth_m - 0.7, hedge(rng, site.width_m - 2), VEGETATION)
    site.put(site.width_m / 2, 1.3, street_lamp(rng), MANMADE, _ACROSS)


def building_site(site: Site, rng: Chance) -> None:
    """Set up a building site: bare earth, barriers, machines, workers and a raw building."""
    site.fill_all(Surface.EARTH)
    kind = rng.integers(0, 3)
    for a_m in np.arange(1.5, site.width_m - 1.5, 2.6):
        if not 8 < a_m < 14:
            site.stand(a_m, 0.5, barrier(rng, kind), _ACROSS)
    for a_m in (8.5, 14.0, *rng.spread((1,) * 6, (site.width_m - 1,) * 6)):
        site.stand(a_m, rng.uniform(1.4, 2.2), cone(rng), rng.uniform(0, 6))
    a_m = rng.uniform(5, 7)
    while a_m < site.width_m - 5:
        kind = rng.random()
        if kind < 0.36:
            site.stand(a_m, rng.uniform(6.5, 7.5), construction_vehicle(rng),
                       rng.choice((0, np.pi)) + rng.uniform(-0.3, 0.3))
        elif kind < 0.6:
            site.stand(a_m, 7, truck(rng), rng.choice((0, np.pi)))
        else:
            site.put(a_m, 7.5, mound(rng, rng.uniform(2, 3.5), rng.uniform(1, 2.5), _SOIL),
                     TERRAIN)
        a_m += rng.uniform(11, 13)
    for _ in range(rng.integers(2, 6)):
        site.stand(rng.uniform(1, site.width_m - 1), rng.uniform(2.8, 3.6),
                   pedestrian(rng, True), rng.uniform(0, 6))
    for _ in range(rng.integers(1, 4)):
        site.put(rng.uniform(1, site.width_m - 1), 4.0, boxes(rng), OTHERS)
    site.put(4.0, 12.5, container(rng), MANMADE)
    if site.depth_m > 22:
        site.put(site.width_m / 2, 18.5, _raw_building(rng, min(site.width_m - 6, 24.0)), MANMADE)


def _raw_building(rng: Chance, width_m: float) -> Parts:
    """Return floors on columns."""
    half, deep = width_m / 2, 5.0
    rows = []
    grey = (0.42, 0.41, 0.39)
    for floor in range(rng.integers(1, 4)):
        z_m = 3.4 * floor
        rows += [part(Shape.BOX, (x - 0.2, x + 0.2), (y - 0.2, y + 0.2), (z_m, z_m + 3.1),
                      Material.CONCRETE, grey)
                 for x in np.linspace(-half + 0.3, half - 0.3, 5) for y in (-deep + 0.3, deep - 1)]
        rows.append(part(Shape.BOX, (-half, half), (-deep, deep), (z_m + 3.1, z_m + 3.4),
                         Material.CONCRETE, grey))
    return rows

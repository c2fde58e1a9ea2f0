# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Lay out the sites of a block: homes, offices, halls, yards, parks, plazas, building sites."""

import numpy as np

from bdc_occ_ros.world import street_furniture as furniture
from bdc_occ_ros.world.buildings import hall, house, shell, tower
from bdc_occ_ros.world.ground import BAY_M, Surface
from bdc_occ_ros.world.plants import bush, hedge, tree
from bdc_occ_ros.world.primitives import Span
from bdc_occ_ros.world.road_network import ALONG_U
from bdc_occ_ros.world.road_users import bicycle, motorcycle, pedestrian
from bdc_occ_ros.world.scene_builder import ACROSS_RAD, Site
from bdc_occ_ros.world.scene_rng import SceneRng
from bdc_occ_ros.world.vehicles import car, construction_vehicle, tractor, trailer, truck

SOIL_RGB = (0.24, 0.16, 0.09)
_GRASS_RGB = (0.11, 0.17, 0.05)


def scatter_trees(site: Site, rng: SceneRng, count: int, b_m: Span, height_m: Span) -> None:
    """Plant trees at random between two distances from the street."""
    for _ in range(count):
        site.put(rng.uniform(1.5, max(1.6, site.width_m - 1.5)), rng.uniform(*b_m),
                 tree(rng, rng.uniform(*height_m)), rng.uniform(0, 6))


def _scatter_bushes(site: Site, rng: SceneRng, count: int, b_m: Span) -> None:
    for _ in range(count):
        site.put(rng.uniform(1, max(1.1, site.width_m - 1)), rng.uniform(*b_m), bush(rng),
                 rng.uniform(0, 6))


def home(site: Site, rng: SceneRng) -> None:
    """Lay out a house with its garden and driveway."""
    site.fill_all(Surface.GRASS if rng.random() < 0.8 else Surface.DRY_GRASS)
    drive_m = 3.5
    setback_m = float(rng.integers(3, 7))
    width_m, depth_m = site.width_m - drive_m - rng.uniform(1.2, 2.5), rng.uniform(8, 11)
    site.put(drive_m + 0.8 + width_m / 2, setback_m + depth_m / 2, house(rng, width_m, depth_m))
    site.fill((0.5, drive_m), (0, setback_m + depth_m), Surface.LOT)
    door_m = np.round(drive_m + width_m / 2)
    site.fill((door_m, door_m + 1), (0, setback_m), Surface.PATH)
    if rng.random() < 0.5:
        site.put(2.0, setback_m + rng.uniform(0, 3), car(rng), ACROSS_RAD * rng.choice((-1, 1)))
    if rng.random() < 0.3:
        site.put(drive_m + 0.6, 1.0, furniture.litter_bin(rng))
    border = rng.random()
    free_m = site.width_m - drive_m - 3.0
    if border < 0.45:
        site.put(drive_m + 2 + free_m / 2, 0.7, hedge(rng, free_m))
    elif border < 0.7:
        site.put(drive_m + 2 + free_m / 2, 0.4,
                 furniture.fence(rng, free_m, rng.uniform(0.9, 1.4)))
    if rng.random() < 0.5:
        long_m = site.depth_m - 2
        edge = hedge(rng, long_m) if rng.random() < 0.5 else furniture.fence(rng, long_m, 1.7)
        site.put(site.width_m - 0.4, 1 + long_m / 2, edge, ACROSS_RAD)
    scatter_trees(site, rng, rng.integers(0, 3), (1.5, setback_m - 1), (4, 7))
    scatter_trees(site, rng, rng.integers(1, 4),
                  (setback_m + depth_m + 3, max(site.depth_m, setback_m + depth_m + 4)), (6, 12))
    _scatter_bushes(site, rng, rng.integers(2, 7), (1, setback_m - 0.8))


def city_building(site: Site, rng: SceneRng) -> None:
    """Lay out a city building right at the sidewalk."""
    site.fill_all(Surface.SIDEWALK)
    setback_m = rng.choice((0.3, 0.3, 2.5))
    depth_m = min(site.depth_m - setback_m, rng.uniform(14, 24))
    width_m = site.width_m - rng.choice((0.1, 0.1, 2.0))
    site.put(site.width_m / 2, setback_m + depth_m / 2,
             tower(rng, width_m, depth_m, rng.uniform(8, 45)))
    if setback_m > 1:
        for a_m in np.arange(2, site.width_m - 2, rng.uniform(4, 8)):
            site.put(a_m, 1.0, bush(rng))
    if rng.random() < 0.3:
        site.put(rng.uniform(1, site.width_m - 1), -0.5, furniture.parcels(rng))


def apartments(site: Site, rng: SceneRng) -> None:
    """Lay out a block of flats on a lawn."""
    site.fill_all(Surface.GRASS)
    setback_m = float(rng.integers(3, 8))
    depth_m = min(14.0, site.depth_m - setback_m)
    site.put(site.width_m / 2, setback_m + depth_m / 2,
             tower(rng, site.width_m - rng.uniform(4, 8), depth_m, rng.uniform(9, 22)))
    middle_m = np.round(site.width_m / 2)
    site.fill((middle_m - 1, middle_m + 1), (0, setback_m), Surface.PATH)
    scatter_trees(site, rng, rng.integers(1, 4), (1.5, setback_m - 2), (5, 9))
    _scatter_bushes(site, rng, rng.integers(3, 8), (1, setback_m - 1))
    if rng.random() < 0.5:
        site.put(site.width_m - 1.6, 1.2, furniture.dumpster(rng))
    if rng.random() < 0.4:
        site.put(site.width_m / 4, 0.5,
                 furniture.wall(rng, site.width_m / 2 - 3, rng.uniform(0.6, 1.4)))


def warehouse(site: Site, rng: SceneRng) -> None:
    """Lay out a hall behind a forecourt with lorries."""
    site.fill_all(Surface.LOT)
    forecourt_m = float(rng.integers(6, 16))
    depth_m = max(8.0, site.depth_m - forecourt_m)
    site.put(site.width_m / 2, forecourt_m + depth_m / 2,
             hall(rng, site.width_m - rng.uniform(2, 6), depth_m))
    a_m = 4.0
    while a_m < site.width_m - 3:
        model = rng.weighted((trailer, truck, car, tractor), (0.3, 0.25, 0.3, 0.15))(rng)
        if rng.random() < 0.5 and model.size_m[0] < forecourt_m - 1:
            site.put(a_m, forecourt_m - 0.6 - model.size_m[0] / 2, model, -ACROSS_RAD)
        a_m += 4.5
    _close_front(site, rng)
    site.put(site.width_m - 2, 2, furniture.dumpster(rng))
    if rng.random() < 0.6:
        site.put(1.5, 1.5, furniture.parcels(rng))


def yard(site: Site, rng: SceneRng) -> None:
    """Lay out a yard of trailers, containers, lorries and machines."""
    site.fill_all(Surface.EARTH if rng.random() < 0.5 else Surface.LOT)
    _close_front(site, rng)
    a_m = 3.0
    while a_m < site.width_m - 3:
        kind = rng.random()
        b_m = rng.uniform(2.5, 4.0)
        if kind < 0.58:
            model = (trailer if kind < 0.3 else truck if kind < 0.5 else construction_vehicle)(rng)
            site.put(a_m, b_m + model.size_m[0] / 2, model, ACROSS_RAD * rng.choice((-1, 1)))
        else:
            site.put(a_m, b_m + 6.5, furniture.container(rng), ACROSS_RAD)
            if rng.random() < 0.4:
                site.put(a_m, b_m - 1.2, furniture.parcels(rng))
        a_m += 4.2
    scatter_trees(site, rng, rng.integers(0, 4), (site.depth_m - 4, site.depth_m), (6, 10))


def _close_front(site: Site, rng: SceneRng) -> None:
    """Close off the front with a fence, a wall, a hedge or nothing, apart from a gate."""
    kind = rng.random()
    long_m = site.width_m - 7
    if kind < 0.5:
        site.put(long_m / 2, 0.5, furniture.fence(rng, long_m, rng.uniform(1.6, 2.3)))
    elif kind < 0.7:
        site.put(long_m / 2, 0.5, furniture.wall(rng, long_m, rng.uniform(1.2, 2.0)))
    elif kind < 0.85:
        site.put(long_m / 2, 0.8, hedge(rng, long_m))
    if rng.random() < 0.4:
        site.put(site.width_m - 1, 1.2, furniture.cabinet(rng))


def park(site: Site, rng: SceneRng) -> None:
    """Lay out a park: lawn, paths, trees, mounds, benches and maybe a pond."""
    site.fill_all(Surface.GRASS if rng.random() < 0.8 else Surface.DRY_GRASS)
    path_m = float(rng.integers(4, 10))
    site.fill((0, site.width_m), (path_m, path_m + 2), Surface.PATH)
    for a_m in np.arange(float(rng.integers(4, 12)), site.width_m - 3, 17.0):
        site.fill((a_m, a_m + 1.5), (0, site.depth_m), Surface.PATH)
        site.put(a_m + 3, path_m - 0.6, furniture.bench(rng))
        if rng.random() < 0.5:
            site.put(a_m + 5, path_m - 0.5, furniture.litter_bin(rng))
        if rng.random() < 0.5:
            site.put(a_m + 9, path_m + 2.4, furniture.street_lamp(rng))
    area_m2 = site.width_m * site.depth_m
    for _ in range(round(area_m2 / 450)):
        site.put(rng.uniform(3, site.width_m - 3), rng.uniform(path_m + 4, site.depth_m),
                 furniture.mound(rng, rng.uniform(2, 5), rng.uniform(0.5, 1.6), _GRASS_RGB))
    if rng.random() < 0.3 and site.width_m > 26:
        site.fill((8, 20), (path_m + 5, path_m + 12), Surface.WATER)
    scatter_trees(site, rng, round(area_m2 / 75), (path_m + 3, site.depth_m), (6, 14))
    scatter_trees(site, rng, round(site.width_m / 12), (1.5, path_m - 1), (5, 9))
    _scatter_bushes(site, rng, round(area_m2 / 50), (1, site.depth_m))
    for _ in range(rng.poisson(site.width_m / 14)):
        a_m, speed_mps = rng.uniform(0, site.width_m), rng.uniform(0.8, 1.6) * rng.choice((-1, 1))
        site.walk(a_m, path_m + rng.uniform(0.3, 1.7), pedestrian(rng), speed_mps)
        if rng.random() < 0.3:
            site.put(rng.uniform(1, site.width_m - 1), rng.uniform(2, path_m), furniture.dog(rng),
                     rng.uniform(0, 6))
    if rng.random() < 0.25:
        site.walk(rng.uniform(0, site.width_m), path_m + 1, bicycle(rng, True),
                  rng.uniform(2, 4) * rng.choice((-1, 1)))


def grove(site: Site, rng: SceneRng) -> None:
    """Lay out a wood that begins at the sidewalk."""
    site.fill_all(Surface.GRASS if rng.random() < 0.6 else Surface.EARTH)
    area_m2 = site.width_m * site.depth_m
    scatter_trees(site, rng, round(area_m2 / 40), (3, site.depth_m), (6, 14))
    _scatter_bushes(site, rng, round(area_m2 / 25), (1.5, 10))


def plaza(site: Site, rng: SceneRng) -> None:
    """Lay out a paved square with trees in tubs, benches and people."""
    site.fill_all(Surface.SIDEWALK)
    site.fill((3, site.width_m - 3), (4, 11.0), Surface.PLAZA)
    for a_m in np.arange(3, site.width_m - 2, 7.0):
        for b_m in (4.0, 11.0):
            site.put(a_m, b_m, tree(rng, rng.uniform(4, 7)))
            site.put(a_m, b_m, furniture.tub())
        if rng.random() < 0.7:
            site.put(a_m + 3, 4.2, furniture.bench(rng))
        if rng.random() < 0.4:
            site.put(a_m + 4.5, 4.2, furniture.litter_bin(rng))
    for _ in range(rng.poisson(site.width_m / 5)):
        site.put(rng.uniform(1, site.width_m - 1), rng.uniform(5.5, 9.5), pedestrian(rng),
                 rng.uniform(0, 6))
    for a_m in np.arange(1.0, rng.uniform(0, 3), 0.8):
        site.put(a_m, 2.0, bicycle(rng, False), ACROSS_RAD)


def car_park(site: Site, rng: SceneRng) -> None:
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
                site.put(a_m + 0.06, b_m + 2.5, car(rng), ACROSS_RAD * rng.choice((-1, 1)))
            elif row == 0 and rng.random() < 0.15:
                site.put(a_m + 0.06, b_m + 2.5, motorcycle(rng, False), ACROSS_RAD)
    for a_m in np.arange(2, site.width_m - 2, 5.0):
        if rng.random() < 0.6:
            site.put(a_m, 1.2, bush(rng))
    site.put(site.width_m / 2, site.depth_m - 0.7, hedge(rng, site.width_m - 2))
    site.put(site.width_m / 2, 1.3, furniture.street_lamp(rng), ACROSS_RAD)


def building_site(site: Site, rng: SceneRng) -> None:
    """Lay out a building site: bare earth, barriers, machines, workers and a shell."""
    site.fill_all(Surface.EARTH)
    kind = rng.integers(0, 3)
    for a_m in np.arange(1.5, site.width_m - 1.5, 2.6):
        if not 8 < a_m < 14:
            site.put(a_m, 0.5, furniture.barrier(rng, kind), ACROSS_RAD)
    for a_m in (8.5, 14.0, *rng.spread((1,) * 6, (site.width_m - 1,) * 6)):
        site.put(a_m, rng.uniform(1.4, 2.2), furniture.traffic_cone(rng), rng.uniform(0, 6))
    a_m = rng.uniform(5, 7)
    while a_m < site.width_m - 5:
        kind = rng.random()
        if kind < 0.36:
            site.put(a_m, rng.uniform(6.5, 7.5), construction_vehicle(rng),
                     rng.choice((0, np.pi)) + rng.uniform(-0.3, 0.3))
        elif kind < 0.6:
            site.put(a_m, 7, truck(rng), rng.choice((0, np.pi)))
        else:
            site.put(a_m, 7.5,
                     furniture.mound(rng, rng.uniform(2, 3.5), rng.uniform(1, 2.5), SOIL_RGB))
        a_m += rng.uniform(11, 13)
    for _ in range(rng.integers(2, 6)):
        site.put(rng.uniform(1, site.width_m - 1), rng.uniform(2.8, 3.6), pedestrian(rng, True),
                 rng.uniform(0, 6))
    for _ in range(rng.integers(1, 4)):
        site.put(rng.uniform(1, site.width_m - 1), 4.0, furniture.parcels(rng))
    site.put(4.0, 12.5, furniture.container(rng))
    if site.depth_m > 22:
        site.put(site.width_m / 2, 18.5, shell(rng, min(site.width_m - 6, 24.0)))

# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Model houses, towers, halls and shells; each faces the street with its side of lowest y."""

import numpy as np

from bdc_occ_ros.world.primitives import around, box, Model, plain, Primitive
from bdc_occ_ros.world.scene_rng import SceneRng
from bdc_occ_ros.world.solids import Material

_WALLS = ((0.42, 0.38, 0.32), (0.55, 0.52, 0.47), (0.36, 0.17, 0.11), (0.28, 0.28, 0.29),
          (0.48, 0.40, 0.28), (0.60, 0.58, 0.55), (0.30, 0.14, 0.10), (0.25, 0.30, 0.34))
_ROOFS = ((0.16, 0.07, 0.05), (0.09, 0.09, 0.10), (0.22, 0.12, 0.08), (0.13, 0.14, 0.15))
_DOORS = ((0.20, 0.05, 0.03), (0.05, 0.10, 0.06), (0.10, 0.07, 0.05), (0.5, 0.5, 0.48))
_PLINTHS = ((0.20, 0.19, 0.18), (0.35, 0.33, 0.30), (0.10, 0.10, 0.11))
_HALLS = ((0.50, 0.50, 0.50), (0.30, 0.36, 0.42), (0.45, 0.40, 0.32))
_GLASS = Material.GLASS, (0.06, 0.08, 0.10)
_CHIMNEY = Material.BRICK, (0.3, 0.12, 0.08)
_ROOF_HOUSE = Material.CONCRETE, (0.4, 0.4, 0.4)
_BASE = Material.CONCRETE, (0.4, 0.39, 0.37)
_SHELL = Material.CONCRETE, (0.42, 0.41, 0.39)


def house(rng: SceneRng, width_m: float, depth_m: float) -> Model:
    """Draw a family home with a stepped roof."""
    half, deep = width_m / 2, depth_m / 2
    wall_m = rng.choice((3.2, 5.8, 6.2))
    walls, roof = rng.tint(rng.choice(_WALLS), 0.2), plain(*rng.tint(rng.choice(_ROOFS), 0.2))
    material = rng.choice((Material.BRICK, Material.PLAIN, Material.WOOD))
    rows = [box(half, deep, wall_m, (material, walls))]
    for step in range(4):
        inset_m = step * min(half, deep) * 0.24 - 0.4
        rows.append(box(half - inset_m * 0.5, deep - inset_m,
                        (wall_m + 0.6 * step, wall_m + 0.6 * (step + 1)), roof))
    door_m = rng.uniform(-0.5, 0.5) * half
    door = Material.WOOD, rng.tint(rng.choice(_DOORS), 0.2)
    rows += [box(around(door_m, 0.55), (-deep - 0.06, -deep), 2.1, door),
             box(around(door_m, 1.0), (-deep - 1.2, -deep), (2.4, 2.55), roof)]
    rows += [box(around(x_m, 0.55), deep + 0.04, (z_m, z_m + 1.3), _GLASS)
             for z_m in np.arange(0.9, wall_m - 1.5, 2.8)
             for x_m in np.arange(-half + 1.2, half - 0.6, 2.6)
             if z_m > 1 or abs(x_m - door_m) > 1.4]
    chimney_m = rng.uniform(-0.5, 0.5) * half
    rows.append(box(around(chimney_m, 0.35), (0.2, 0.9),
                    (wall_m, wall_m + rng.uniform(2.6, 3.4)), _CHIMNEY))
    return Model('manmade', rows)


def tower(rng: SceneRng, width_m: float, depth_m: float, height_m: float) -> Model:
    """Draw a city building: shops, storeys with windows, a parapet, maybe a set-back top."""
    half, deep = width_m / 2, depth_m / 2
    walls = rng.tint(rng.choice(_WALLS), 0.2)
    plinth = Material.CONCRETE, rng.tint(rng.choice(_PLINTHS), 0.2)
    shop_m = rng.uniform(3.5, 5.0)
    material = rng.choice((Material.FACADE, Material.FACADE, Material.BRICK))
    setback_m = 0.0 if rng.random() < 0.6 else rng.uniform(1.5, 4.0)
    middle_m = shop_m + (height_m - shop_m) * (rng.uniform(0.4, 0.7) if setback_m else 1.0)
    rows = [box(half, deep, shop_m, plinth),
            box(half - 0.2, deep - 0.2, (shop_m, middle_m), (material, walls)),
            box(half, deep, (middle_m, middle_m + 0.9), plinth)]
    if setback_m:
        rows.append(box(half - setback_m, deep - setback_m, (middle_m, height_m),
                        (Material.FACADE, walls)))
    return Model('manmade', [
        *rows, *_shops(rng, half, -deep, shop_m),
        box((-0.3 * half, 0.2 * half), 0.3 * deep, (height_m, height_m + 3.0), _ROOF_HOUSE)])


def _shops(rng: SceneRng, half: float, front: float, shop_m: float) -> list[Primitive]:
    """Return shop windows, doors, signs and awnings along the front."""
    rows = []
    count = max(1, int(2 * half // 6))
    pitch_m = 2 * half / count
    for index in range(count):
        low = -half + index * pitch_m + 0.4
        high = low + pitch_m - 0.8
        rows.append(box((low, high), (front - 0.04, front), (0.5, shop_m - 1.0), _GLASS))
        rgb = rng.spread((0.03,) * 3, (0.6,) * 3)
        if rng.random() < 0.5:
            rows.append(box((low, high), (front - 0.12, front), (shop_m - 0.9, shop_m - 0.3),
                            plain(*rgb)))
        elif rng.random() < 0.6:
            rows.append(box((low, high), (front - 1.2, front), (shop_m - 1.1, shop_m - 0.9),
                            (Material.STRIPES, rgb)))
        door_m = rng.uniform(low + 0.6, max(low + 0.7, high - 0.6))
        rows.append(box(around(door_m, 0.5), (front - 0.07, front), 2.3,
                        (Material.WOOD, rng.tint(rng.choice(_DOORS), 0.2))))
    return rows


def hall(rng: SceneRng, width_m: float, depth_m: float) -> Model:
    """Draw a warehouse with gates."""
    half, deep, height_m = width_m / 2, depth_m / 2, rng.uniform(6, 11)
    walls = Material.STRIPES, rng.tint(rng.choice(_HALLS), 0.2)
    eaves = plain(*rng.tint(rng.choice(_ROOFS), 0.2))
    rows = [box(half, deep, height_m, walls), box(half + 0.05, deep + 0.05, 1.1, _BASE),
            box(half + 0.1, deep + 0.1, (height_m - 0.6, height_m), eaves)]
    rows += [box(around(gate_m, 2), (-deep - 0.1, -deep), 4.2,
                 plain(*rng.spread((0.2,) * 3, (0.6,) * 3)))
             for gate_m in np.arange(-half + 3.5, half - 2.5, 6.5)]
    return Model('manmade', rows)


def shell(rng: SceneRng, width_m: float) -> Model:
    """Draw an unfinished building: floors on columns."""
    half, deep, rows = width_m / 2, 5.0, []
    for floor in range(rng.integers(1, 4)):
        z_m = 3.4 * floor
        rows += [box(around(x_m, 0.2), around(y_m, 0.2), (z_m, z_m + 3.1), _SHELL)
                 for x_m in np.linspace(-half + 0.3, half - 0.3, 5)
                 for y_m in (-deep + 0.3, deep - 1)]
        rows.append(box(half, deep, (z_m + 3.1, z_m + 3.4), _SHELL))
    return Model('manmade', rows)

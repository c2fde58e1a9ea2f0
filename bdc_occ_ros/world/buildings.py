# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Houses, towers and halls; each faces the street with its side of lowest y."""

import numpy as np

from bdc_occ_ros.world.chance import Chance
from bdc_occ_ros.world.parts import part, Parts, Rgb, Span
from bdc_occ_ros.world.solids import Material, Shape

_WALLS = ((0.42, 0.38, 0.32), (0.55, 0.52, 0.47), (0.36, 0.17, 0.11), (0.28, 0.28, 0.29),
          (0.48, 0.40, 0.28), (0.60, 0.58, 0.55), (0.30, 0.14, 0.10), (0.25, 0.30, 0.34))
_ROOFS = ((0.16, 0.07, 0.05), (0.09, 0.09, 0.10), (0.22, 0.12, 0.08), (0.13, 0.14, 0.15))
_DOORS = ((0.20, 0.05, 0.03), (0.05, 0.10, 0.06), (0.10, 0.07, 0.05), (0.5, 0.5, 0.48))
_GLASS = (0.06, 0.08, 0.10)
_PLINTHS = ((0.20, 0.19, 0.18), (0.35, 0.33, 0.30), (0.10, 0.10, 0.11))


def _box(x_m: Span, y_m: Span, z_m: Span, material: Material, rgb: Rgb) -> tuple[float, ...]:
    return part(Shape.BOX, x_m, y_m, z_m, material, rgb)


def house(rng: Chance, width_m: float, depth_m: float) -> Parts:
    """
    Return a family home with a stepped roof.

    :param width_m: Extent along the street.
    :param depth_m: Extent away from it.
    """
    half, deep = width_m / 2, depth_m / 2
    wall_m = rng.choice((3.2, 5.8, 6.2))
    walls, roof = rng.tint(rng.choice(_WALLS), 0.2), rng.tint(rng.choice(_ROOFS), 0.2)
    material = rng.choice((Material.BRICK, Material.PLAIN, Material.WOOD))
    rows = [_box((-half, half), (-deep, deep), (0, wall_m), material, walls)]
    for step in range(4):
        inset_m = step * min(half, deep) * 0.24 - 0.4
        rows.append(_box((-half + inset_m * 0.5, half - inset_m * 0.5),
                         (-deep + inset_m, deep - inset_m),
                         (wall_m + 0.6 * step, wall_m + 0.6 * (step + 1)), Material.PLAIN, roof))
    door_m = rng.uniform(-0.5, 0.5) * half
    rows.append(_box((door_m - 0.55, door_m + 0.55), (-deep - 0.06, -deep), (0, 2.1),
                     Material.WOOD, rng.tint(rng.choice(_DOORS), 0.2)))
    rows.append(_box((door_m - 1.0, door_m + 1.0), (-deep - 1.2, -deep), (2.4, 2.55),
                     Material.PLAIN, roof))
    for z_m in np.arange(0.9, wall_m - 1.5, 2.8):
        for x_m in np.arange(-half + 1.2, half - 0.6, 2.6):
            if z_m > 1 or abs(x_m - door_m) > 1.4:
                rows.append(_box((x_m - 0.55, x_m + 0.55), (-deep - 0.04, deep + 0.04),
                                 (z_m, z_m + 1.3), Material.GLASS, _GLASS))
    chimney_m = rng.uniform(-0.5, 0.5) * half
    rows.append(_box((chimney_m - 0.35, chimney_m + 0.35), (0.2, 0.9),
                     (wall_m, wall_m + rng.uniform(2.6, 3.4)), Material.BRICK, (0.3, 0.12, 0.08)))
    return rows


def tower(rng: Chance, width_m: float, depth_m: float, height_m: float) -> Parts:
    """
    Return a city building: ground floor with shops, storeys of windows, parapet and roof.

    :param width_m: Extent along the street.
    :param depth_m: Extent away from it.
    :param height_m: Height up to the roof.
    """
    half, deep = width_m / 2, depth_m / 2
    walls, plinth = rng.tint(rng.choice(_WALLS), 0.2), rng.tint(rng.choice(_PLINTHS), 0.2)
    shop_m = rng.uniform(3.5, 5.0)
    wall = rng.choice((Material.FACADE, Material.FACADE, Material.BRICK))
    rows = [_box((-half, half), (-deep, deep), (0, shop_m), Material.CONCRETE, plinth)]
    setback_m = 0.0 if rng.random() < 0.6 else rng.uniform(1.5, 4.0)
    upper_m = height_m - shop_m
    middle_m = shop_m + upper_m * (rng.uniform(0.4, 0.7) if setback_m else 1.0)
    rows.append(_box((-half + 0.2, half - 0.2), (-deep + 0.2, deep - 0.2), (shop_m, middle_m),
                     wall, walls))
    rows.append(_box((-half, half), (-deep, deep), (middle_m, middle_m + 0.9), Material.CONCRETE,
                     plinth))
    if setback_m:
        rows.append(_box((-half + setback_m, half - setback_m),
                         (-deep + setback_m, deep - setback_m), (middle_m, height_m),
                         Material.FACADE, walls))
    rows += _shops(rng, half, -deep, shop_m)
    rows.append(_box((-0.3 * half, 0.2 * half), (-0.3 * deep, 0.3 * deep),
                     (height_m, height_m + 3.0), Material.CONCRETE, (0.4, 0.4, 0.4)))
    return rows


def _shops(rng: Chance, half: float, front: float, shop_m: float) -> Parts:
    """Return shop windows, doors, signs and awnings along the front."""
    rows = []
    count = max(1, int(2 * half // 6))
    pitch_m = 2 * half / count
    for index in range(count):
        low = -half + index * pitch_m + 0.4
        high = low + pitch_m - 0.8
        rows.append(_box((low, high), (front - 0.04, front), (0.5, shop_m - 1.0), Material.GLASS,
                         _GLASS))
        sign = rng.spread((0.03,) * 3, (0.6,) * 3)
        if rng.random() < 0.5:
            rows.append(_box((low, high), (front - 0.12, front), (shop_m - 0.9, shop_m - 0.3),
                             Material.PLAIN, sign))
        elif rng.random() < 0.6:
            rows.append(_box((low, high), (front - 1.2, front), (shop_m - 1.1, shop_m - 0.9),
                             Material.STRIPES, sign))
        door_m = rng.uniform(low + 0.6, max(low + 0.7, high - 0.6))
        rows.append(_box((door_m - 0.5, door_m + 0.5), (front - 0.07, front), (0, 2.3),
                         Material.WOOD, rng.tint(rng.choice(_DOORS), 0.2)))
    return rows


def hall(rng: Chance, width_m: float, depth_m: float) -> Parts:
    """
    Return a warehouse with gates.

    :param width_m: Extent along the street.
    :param depth_m: Extent away from it.
    """
    half, deep, height_m = width_m / 2, depth_m / 2, rng.uniform(6, 11)
    walls = rng.tint(rng.choice(((0.50, 0.50, 0.50), (0.30, 0.36, 0.42), (0.45, 0.40, 0.32))), 0.2)
    rows = [_box((-half, half), (-deep, deep), (0, height_m), Material.STRIPES, walls),
            _box((-half - 0.05, half + 0.05), (-deep - 0.05, deep + 0.05), (0, 1.1),
                 Material.CONCRETE, (0.4, 0.39, 0.37)),
            _box((-half - 0.1, half + 0.1), (-deep - 0.1, deep + 0.1),
                 (height_m - 0.6, height_m), Material.PLAIN, rng.tint(rng.choice(_ROOFS), 0.2))]
    for gate_m in np.arange(-half + 3.5, half - 2.5, 6.5):
        rows.append(_box((gate_m - 2, gate_m + 2), (-deep - 0.1, -deep), (0, 4.2), Material.PLAIN,
                         rng.spread((0.2,) * 3, (0.6,) * 3)))
    return rows

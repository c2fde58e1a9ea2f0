# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What stands along streets: lamps, lights, signs, shelters, fences, bins and the like."""

import numpy as np

from bdc_occ_ros.world.chance import Chance
from bdc_occ_ros.world.parts import part, Parts, Rgb, Span
from bdc_occ_ros.world.solids import Material, Shape

_STEEL = (0.25, 0.25, 0.26)
_DARK = (0.04, 0.045, 0.04)
_GLASS = (0.10, 0.13, 0.14)
_SIGNS = ((0.55, 0.04, 0.03), (0.05, 0.15, 0.5), (0.65, 0.5, 0.03), (0.05, 0.3, 0.1),
          (0.7, 0.7, 0.7))
_BINS = ((0.04, 0.14, 0.06), (0.04, 0.08, 0.22), (0.03, 0.03, 0.03), (0.25, 0.25, 0.26))


def _box(x_m: Span, y_m: Span, z_m: Span, rgb: Rgb, material: Material = Material.PLAIN
         ) -> tuple[float, ...]:
    return part(Shape.BOX, x_m, y_m, z_m, material, rgb)


def _pole(radius_m: float, height_m: float, rgb: Rgb = _STEEL, material: Material = Material.PLAIN
          ) -> tuple[float, ...]:
    return part(Shape.CYLINDER, (-radius_m, radius_m), (-radius_m, radius_m), (0, height_m),
                material, rgb)


def street_lamp(rng: Chance) -> Parts:
    """Return a lamp on an arm that reaches along its x."""
    height_m, arm_m = rng.uniform(6, 9), rng.uniform(1.2, 2.4)
    return [_pole(0.1, height_m), _pole(0.16, 0.9),
            _box((0, arm_m), (-0.05, 0.05), (height_m - 0.12, height_m), _STEEL),
            _box((arm_m - 0.5, arm_m + 0.2), (-0.15, 0.15), (height_m - 0.18, height_m - 0.05),
                 (0.5, 0.5, 0.48))]


def power_pole(rng: Chance) -> Parts:
    """Return a wooden pole with a crossbar along its y."""
    height_m = rng.uniform(8, 11)
    return [_pole(0.15, height_m, (0.16, 0.11, 0.07), Material.WOOD),
            _box((-0.06, 0.06), (-1.1, 1.1), (height_m - 0.8, height_m - 0.65), (0.15, 0.11, 0.07),
                 Material.WOOD),
            part(Shape.CYLINDER, (0.15, 0.55), (-0.2, 0.2), (height_m - 2.6, height_m - 1.7),
                 Material.PLAIN, (0.3, 0.3, 0.3))]


def traffic_light(arm_m: float, lit: int) -> Parts:
    """
    Return a traffic light that faces its -x, with an arm along its y.

    :param arm_m: Length of the arm.
    :param lit: 0 for red, 2 for green.
    """
    rows = [_pole(0.12, 6.2), _box((-0.06, 0.06), sorted((0, arm_m)), (5.9, 6.1), _STEEL)]
    colours = ((0.9, 0.03, 0.02), (0.5, 0.3, 0.01), (0.02, 0.8, 0.25))
    for y_m, top_m in ((arm_m, 6.4), (0.0, 3.6)):
        rows.append(_box((-0.2, 0.05), (y_m - 0.18, y_m + 0.18), (top_m - 1.05, top_m), _DARK))
        z_m = top_m - 0.2 - 0.32 * lit
        rows.append(_box((-0.24, -0.2), (y_m - 0.12, y_m + 0.12), (z_m - 0.12, z_m + 0.12),
                         colours[lit], Material.LAMP))
    return rows


def sign(rng: Chance) -> Parts:
    """Return a road sign that faces its -x."""
    half_m, top_m = rng.uniform(0.25, 0.4), rng.uniform(2.3, 3.0)
    rgb = rng.choice(_SIGNS)
    return [_pole(0.05, top_m),
            _box((-0.08, -0.04), (-half_m, half_m), (top_m - 2 * half_m, top_m), rgb),
            _box((-0.09, -0.08), (-half_m * 0.6, half_m * 0.6),
                 (top_m - 1.3 * half_m, top_m - 0.7 * half_m), (0.7, 0.7, 0.7))]


def shelter(rng: Chance) -> Parts:
    """Return a bus shelter, open to its -y."""
    return [_box((-2, 2), (0.6, 0.68), (0.2, 2.3), _GLASS, Material.GLASS),
            *(_box(sorted((side * 1.95, side * 2.0)), (-0.5, 0.6), (0.2, 2.3), _GLASS,
                   Material.GLASS) for side in (-1, 1)),
            _box((-2.1, 2.1), (-0.8, 0.75), (2.35, 2.5), _DARK),
            *(_box((x - 0.05, x + 0.05), (0.55, 0.7), (0, 2.4), _STEEL) for x in (-2.0, 0, 2.0)),
            _box((-1.6, 1.0), (0.1, 0.5), (0.4, 0.48), (0.3, 0.2, 0.12), Material.WOOD),
            _box((1.3, 1.9), (-0.2, -0.1), (0.5, 2.0), rng.spread((0.1,) * 3, (0.7,) * 3))]


def bench(rng: Chance) -> Parts:
    """Return a bench that faces its -y."""
    rgb = rng.tint((0.28, 0.18, 0.10), 0.3)
    return [_box((-0.85, 0.85), (-0.25, 0.22), (0.4, 0.47), rgb, Material.WOOD),
            _box((-0.85, 0.85), (0.2, 0.27), (0.5, 0.9), rgb, Material.WOOD),
            *(_box((x - 0.04, x + 0.04), (-0.22, 0.25), (0, 0.5), _DARK) for x in (-0.7, 0.7))]


def fence(rng: Chance, length_m: float, height_m: float) -> Parts:
    """Return a fence along its x."""
    half = length_m / 2
    if rng.random() < 0.5:
        rgb = rng.tint((0.35, 0.27, 0.18), 0.4)
        return [_box((-half, half), (-0.05, 0.05), (0.1, height_m), rgb, Material.WOOD)]
    posts = np.linspace(-half + 0.06, half - 0.06, max(2, round(length_m / 2.5)))
    rails = [_box((-half, half), (-0.03, 0.03), (z, z + 0.12), _STEEL)
             for z in np.arange(0.3, height_m, 0.4)]
    return rails + [_box((x - 0.05, x + 0.05), (-0.05, 0.05), (0, height_m), _STEEL)
                    for x in posts]


def wall(rng: Chance, length_m: float, height_m: float) -> Parts:
    """Return a wall along its x."""
    material, rgb = rng.choice(((Material.BRICK, (0.32, 0.15, 0.10)),
                                (Material.CONCRETE, (0.42, 0.41, 0.39))))
    half = length_m / 2
    return [_box((-half, half), (-0.15, 0.15), (0, height_m), rgb, material),
            _box((-half, half), (-0.2, 0.2), (height_m, height_m + 0.1), (0.4, 0.4, 0.38))]


def container(rng: Chance) -> Parts:
    """Return a shipping container along its x."""
    rgb = rng.tint(rng.choice(((0.4, 0.08, 0.04), (0.05, 0.15, 0.35), (0.08, 0.25, 0.12),
                               (0.4, 0.25, 0.05))), 0.2)
    half = rng.choice((3.05, 6.1))
    return [_box((-half, half), (-1.22, 1.22), (0.05, 2.55), rgb, Material.STRIPES),
            *(_box((x - 0.08, x + 0.08), (-1.24, 1.24), (0, 2.6), rgb) for x in (-half, half))]


def litter_bin(rng: Chance) -> Parts:
    """Return a litter bin or a wheeled bin."""
    rgb = rng.choice(_BINS)
    if rng.random() < 0.5:
        return [_pole(0.28, 0.95, rgb), part(Shape.ELLIPSOID, (-0.28, 0.28), (-0.28, 0.28),
                                             (0.8, 1.1), Material.PLAIN, (0.15, 0.15, 0.15))]
    return [_box((-0.3, 0.3), (-0.3, 0.3), (0.08, 1.0), rgb),
            _box((-0.34, 0.34), (-0.32, 0.32), (1.0, 1.1), rgb),
            _box((-0.3, -0.2), (-0.32, 0.32), (0, 0.2), _DARK)]


def dumpster(rng: Chance) -> Parts:
    """Return a skip for rubbish."""
    rgb = rng.choice(_BINS)
    return [_box((-0.95, 0.95), (-0.6, 0.6), (0.1, 1.2), rgb),
            _box((-1.0, 1.0), (-0.65, 0.65), (1.2, 1.35), _DARK)]


def boxes(rng: Chance) -> Parts:
    """Return a small heap of cartons, crates or bags."""
    rows = []
    for _ in range(rng.integers(2, 5)):
        half = rng.spread((0.18,) * 3, (0.4,) * 3)
        x_m, y_m = rng.spread((-0.5, -0.5), (0.5, 0.5))
        rgb = rng.choice(((0.36, 0.25, 0.14), (0.36, 0.25, 0.14), (0.03, 0.03, 0.03)))
        shape = Shape.ELLIPSOID if rgb[0] < 0.1 else Shape.BOX
        rows.append(part(shape, (x_m - half[0], x_m + half[0]), (y_m - half[1], y_m + half[1]),
                         (0, 2 * half[2]), Material.PLAIN, rgb, rng.uniform(0, np.pi)))
    return rows


def dog(rng: Chance) -> Parts:
    """Return a dog."""
    rgb = rng.choice(((0.25, 0.15, 0.07), (0.03, 0.03, 0.03), (0.5, 0.45, 0.38)))
    legs = [_box((x - 0.04, x + 0.04), (y - 0.04, y + 0.04), (0, 0.35), rgb)
            for x in (-0.25, 0.25) for y in (-0.09, 0.09)]
    return [*legs, part(Shape.ELLIPSOID, (-0.4, 0.35), (-0.15, 0.15), (0.3, 0.62), Material.PLAIN,
                        rgb),
            part(Shape.ELLIPSOID, (0.28, 0.6), (-0.1, 0.1), (0.5, 0.75), Material.PLAIN, rgb)]


def hydrant() -> Parts:
    """Return a fire hydrant."""
    red = (0.55, 0.04, 0.03)
    return [_pole(0.14, 0.7, red), part(Shape.ELLIPSOID, (-0.15, 0.15), (-0.15, 0.15),
                                        (0.58, 0.85), Material.PLAIN, red),
            _box((-0.08, 0.08), (-0.22, 0.22), (0.42, 0.56), red)]


def cabinet(rng: Chance) -> Parts:
    """Return a street cabinet."""
    half = rng.uniform(0.3, 0.7)
    return [_box((-half, half), (-0.25, 0.25), (0, rng.uniform(1.0, 1.6)),
                 rng.tint((0.35, 0.38, 0.34), 0.3))]

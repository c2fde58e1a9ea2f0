# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Model trees, bushes and hedges."""

import math

from bdc_occ_ros.world.primitives import around, box, cone, cylinder, ellipsoid, Model, Rgb
from bdc_occ_ros.world.scene_rng import SceneRng
from bdc_occ_ros.world.solids import Material

_LEAVES = ((0.07, 0.15, 0.03), (0.10, 0.18, 0.04), (0.05, 0.12, 0.03), (0.14, 0.18, 0.05),
           (0.20, 0.13, 0.03))
_BARK = ((0.14, 0.10, 0.07), (0.20, 0.17, 0.13), (0.09, 0.07, 0.05))
# Lower and upper end and radius of the cones of a fir, as shares of its height.
_FIR_CONES = ((0.12, 0.6, 0.24), (0.35, 0.8, 0.18), (0.58, 1.0, 0.12))


def _leaves(rng: SceneRng) -> Rgb:
    return rng.tint(rng.weighted(_LEAVES, (0.35, 0.27, 0.25, 0.1, 0.03)), 0.25)


def tree(rng: SceneRng, height_m: float, reach_m: float | None = None) -> Model:
    """
    Draw a leafy tree, or sometimes a fir.

    :param reach_m: Radius of the crown of a tree at a street, over the heads of people; drawn if
        not given.
    """
    rgb, bark = _leaves(rng), rng.choice(_BARK)
    radius_m = 0.02 * height_m + 0.05
    trunk_m = height_m * rng.uniform(0.22, 0.38) if reach_m is None else 2.6
    rows = [cylinder(radius_m, radius_m, trunk_m * 1.4, (Material.WOOD, bark))]
    if reach_m is None and rng.random() < 0.15:
        rows += [cone(radius * height_m, radius * height_m, (low * height_m, high * height_m),
                      (Material.FOLIAGE, rgb)) for low, high, radius in _FIR_CONES]
        return Model('vegetation', rows)
    crown_m = height_m * rng.uniform(0.3, 0.42) if reach_m is None else reach_m
    tall_m = (height_m - trunk_m) / 2
    middle_m = trunk_m + tall_m
    width_m = crown_m * rng.uniform(0.7, 0.85)
    rows.append(ellipsoid(width_m, width_m, around(middle_m, tall_m), (Material.FOLIAGE, rgb)))
    turn = rng.uniform(0, math.tau)
    for number in range(rng.integers(2, 5)):  # smaller balls of leaves about the large one
        half_m = [crown_m * share for share in rng.spread((0.4, 0.4, 0.35), (0.6, 0.6, 0.55))]
        half_m[2] = min(half_m[2], tall_m)
        out_m = (crown_m - max(half_m[:2])) * rng.uniform(0.8, 1.0)
        angle = turn + 2.2 * number
        at_m = (out_m * math.cos(angle), out_m * math.sin(angle),
                middle_m + (tall_m - half_m[2]) * rng.uniform(-0.8, 0.6))
        rows.append(ellipsoid(*map(around, at_m, half_m),
                              (Material.FOLIAGE, rng.tint(rgb, 0.12))))
    return Model('vegetation', rows)


def bush(rng: SceneRng) -> Model:
    """Draw a bush of one to three balls."""
    leaves, rows = (Material.FOLIAGE, _leaves(rng)), []
    for _ in range(rng.integers(1, 4)):
        half_m = rng.spread((0.4, 0.4, 0.35), (1.0, 1.0, 0.9))
        at_m = rng.uniform(-0.6, 0.6), rng.uniform(-0.6, 0.6), half_m[2] * 0.8
        rows.append(ellipsoid(*map(around, at_m, half_m), leaves))
    return Model('vegetation', rows)


def hedge(rng: SceneRng, length_m: float) -> Model:
    """Draw a clipped hedge along its x."""
    half_m, height_m = rng.uniform(0.35, 0.6), rng.uniform(0.8, 2.0)
    return Model('vegetation', [
        box(length_m / 2, half_m, height_m, (Material.FOLIAGE, _leaves(rng)))])

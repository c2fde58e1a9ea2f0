# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Trees, bushes and hedges."""

from collections.abc import Sequence
import math

from bdc_occ_ros.world.chance import Chance
from bdc_occ_ros.world.parts import part, Parts, Rgb
from bdc_occ_ros.world.solids import Material, Shape

_LEAVES = ((0.07, 0.15, 0.03), (0.10, 0.18, 0.04), (0.05, 0.12, 0.03), (0.14, 0.18, 0.05),
           (0.20, 0.13, 0.03))
_BARK = ((0.14, 0.10, 0.07), (0.20, 0.17, 0.13), (0.09, 0.07, 0.05))


def leaves(rng: Chance) -> Rgb:
    """Return the colour of some plant."""
    return rng.tint(rng.weighted(_LEAVES, (0.35, 0.27, 0.25, 0.1, 0.03)), 0.25)


def _ball(at_m: Sequence[float], half_m: Sequence[float], rgb: Rgb) -> tuple[float, ...]:
    """Return an ellipsoid of leaves."""
    spans = ((middle - half, middle + half) for middle, half in zip(at_m, half_m, strict=True))
    return part(Shape.ELLIPSOID, *spans, Material.FOLIAGE, rgb)


def tree(rng: Chance, height_m: float, reach_m: float | None = None) -> Parts:
    """
    Return a leafy tree, or sometimes a fir.

    :param reach_m: How far the crown of one that stands at a street may reach, over the heads
        of people; it grows freely if not given.
    """
    rgb, bark = leaves(rng), rng.choice(_BARK)
    radius_m = 0.02 * height_m + 0.05
    trunk_m = height_m * rng.uniform(0.22, 0.38) if reach_m is None else 2.6
    trunk = part(Shape.CYLINDER, (-radius_m, radius_m), (-radius_m, radius_m),
                 (0, trunk_m * 1.4), Material.WOOD, bark)
    if reach_m is None and rng.random() < 0.15:
        return [trunk, *_fir(height_m, rgb)]
    crown_m = height_m * rng.uniform(0.3, 0.42) if reach_m is None else reach_m
    return [trunk, *_crown(rng, crown_m, trunk_m, height_m, rgb)]


def _crown(rng: Chance, radius_m: float, low_m: float, high_m: float, rgb: Rgb) -> Parts:
    """Return balls of leaves about a large one in the middle."""
    tall_m = (high_m - low_m) / 2
    middle_m = low_m + tall_m
    width_m = radius_m * rng.uniform(0.7, 0.85)
    rows = [_ball((0.0, 0.0, middle_m), (width_m, width_m, tall_m), rgb)]
    turn = rng.uniform(0, math.tau)
    for number in range(rng.integers(2, 5)):
        half_m = [radius_m * share for share in rng.spread((0.4, 0.4, 0.35), (0.6, 0.6, 0.55))]
        half_m[2] = min(half_m[2], tall_m)
        reach_m = (radius_m - max(half_m[:2])) * rng.uniform(0.8, 1.0)
        angle = turn + 2.2 * number
        at_m = (reach_m * math.cos(angle), reach_m * math.sin(angle),
                middle_m + (tall_m - half_m[2]) * rng.uniform(-0.8, 0.6))
        rows.append(_ball(at_m, half_m, rng.tint(rgb, 0.12)))
    return rows


def _fir(height_m: float, rgb: Rgb) -> Parts:
    """Return three cones, one over another."""
    rows = []
    for low, high, radius in ((0.12, 0.6, 0.24), (0.35, 0.8, 0.18), (0.58, 1.0, 0.12)):
        half_m = radius * height_m
        rows.append(part(Shape.CONE, (-half_m, half_m), (-half_m, half_m),
                         (low * height_m, high * height_m), Material.FOLIAGE, rgb))
    return rows


def bush(rng: Chance) -> Parts:
    """Return a bush of one to three balls."""
    rgb = leaves(rng)
    rows = []
    for _ in range(rng.integers(1, 4)):
        half_m = rng.spread((0.4, 0.4, 0.35), (1.0, 1.0, 0.9))
        at_m = rng.uniform(-0.6, 0.6), rng.uniform(-0.6, 0.6), half_m[2] * 0.8
        rows.append(_ball(at_m, half_m, rgb))
    return rows


def hedge(rng: Chance, length_m: float) -> Parts:
    """
    Return a clipped hedge.

    :param length_m: Its length, along its x.
    """
    half_m = rng.uniform(0.35, 0.6)
    return [part(Shape.BOX, (-length_m / 2, length_m / 2), (-half_m, half_m),
                 (0, rng.uniform(0.8, 2.0)), Material.FOLIAGE, leaves(rng))]

# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Model what stands along streets: lamps, lights, signs, barriers, cones, fences, bins."""

import numpy as np

from bdc_occ_ros.world.primitives import (
    around,
    box,
    Coat,
    cone,
    cylinder,
    ellipsoid,
    mirrored,
    Model,
    plain,
    Primitive,
)
from bdc_occ_ros.world.scene_rng import SceneRng
from bdc_occ_ros.world.solids import Material

_STEEL = plain(0.25, 0.25, 0.26)
_DARK = plain(0.04, 0.045, 0.04)
_BLACK = plain(0.02, 0.02, 0.022)
_RED = plain(0.55, 0.04, 0.03)
_ORANGE = plain(0.75, 0.18, 0.02)
_WHITE = plain(0.75, 0.75, 0.73)
_GLASS = Material.GLASS, (0.10, 0.13, 0.14)
_CONCRETE = Material.CONCRETE, (0.4, 0.4, 0.38)
_FEET = plain(0.18, 0.17, 0.16)
_SIGNS = ((0.55, 0.04, 0.03), (0.05, 0.15, 0.5), (0.65, 0.5, 0.03), (0.05, 0.3, 0.1),
          (0.7, 0.7, 0.7))
_BINS = ((0.04, 0.14, 0.06), (0.04, 0.08, 0.22), (0.03, 0.03, 0.03), (0.25, 0.25, 0.26))
_CONTAINERS = ((0.4, 0.08, 0.04), (0.05, 0.15, 0.35), (0.08, 0.25, 0.12), (0.4, 0.25, 0.05))
_DOGS = ((0.25, 0.15, 0.07), (0.03, 0.03, 0.03), (0.5, 0.45, 0.38))
_PARCELS = ((0.36, 0.25, 0.14), (0.36, 0.25, 0.14), (0.03, 0.03, 0.03))
_WALLS = ((Material.BRICK, (0.32, 0.15, 0.10)), (Material.CONCRETE, (0.42, 0.41, 0.39)))
_BARRIERS = ((Material.CONCRETE, (0.48, 0.47, 0.44)), (Material.STRIPES, (0.62, 0.08, 0.04)))
_SIGNALS = ((0.9, 0.03, 0.02), (0.5, 0.3, 0.01), (0.02, 0.8, 0.25))


def _pole(radius_m: float, height_m: float, coat: Coat = _STEEL) -> Primitive:
    return cylinder(radius_m, radius_m, height_m, coat)


def street_lamp(rng: SceneRng) -> Model:
    """Draw a lamp on an arm that reaches along its x."""
    height_m, arm_m = rng.uniform(6, 9), rng.uniform(1.2, 2.4)
    return Model('manmade', [
        _pole(0.1, height_m), _pole(0.16, 0.9),
        box((0, arm_m), 0.05, (height_m - 0.12, height_m), _STEEL),
        box((arm_m - 0.5, arm_m + 0.2), 0.15, (height_m - 0.18, height_m - 0.05),
            plain(0.5, 0.5, 0.48))])


def power_pole(rng: SceneRng) -> Model:
    """Draw a wooden pole with a crossbar along its y."""
    height_m = rng.uniform(8, 11)
    return Model('manmade', [
        _pole(0.15, height_m, (Material.WOOD, (0.16, 0.11, 0.07))),
        box(0.06, 1.1, (height_m - 0.8, height_m - 0.65), (Material.WOOD, (0.15, 0.11, 0.07))),
        cylinder((0.15, 0.55), 0.2, (height_m - 2.6, height_m - 1.7), plain(0.3))])


def traffic_light(arm_m: float, lit: int) -> Model:
    """Return a traffic light, lit 0 (red) or 2 (green), facing its -x, with an arm along y."""
    rows = [_pole(0.12, 6.2), box(0.06, (0, arm_m), (5.9, 6.1), _STEEL)]
    for y_m, top_m in ((arm_m, 6.4), (0.0, 3.6)):
        rows += [box((-0.2, 0.05), around(y_m, 0.18), (top_m - 1.05, top_m), _DARK),
                 box((-0.24, -0.2), around(y_m, 0.12), around(top_m - 0.2 - 0.32 * lit, 0.12),
                     (Material.LAMP, _SIGNALS[lit]))]
    return Model('manmade', rows)


def sign(rng: SceneRng) -> Model:
    """Draw a road sign that faces its -x."""
    half_m, top_m = rng.uniform(0.25, 0.4), rng.uniform(2.3, 3.0)
    return Model('manmade', [
        _pole(0.05, top_m),
        box((-0.08, -0.04), half_m, (top_m - 2 * half_m, top_m), plain(*rng.choice(_SIGNS))),
        box((-0.09, -0.08), half_m * 0.6, (top_m - 1.3 * half_m, top_m - 0.7 * half_m),
            plain(0.7))])


def shelter(rng: SceneRng) -> Model:
    """Draw a bus shelter, open to its -y."""
    return Model('manmade', [
        box(2, (0.6, 0.68), (0.2, 2.3), _GLASS),
        *(box(side, (-0.5, 0.6), (0.2, 2.3), _GLASS) for side in ((-2.0, -1.95), (1.95, 2.0))),
        box(2.1, (-0.8, 0.75), (2.35, 2.5), _DARK),
        *(box(around(x_m, 0.05), (0.55, 0.7), 2.4, _STEEL) for x_m in (-2.0, 0, 2.0)),
        box((-1.6, 1.0), (0.1, 0.5), (0.4, 0.48), (Material.WOOD, (0.3, 0.2, 0.12))),
        box((1.3, 1.9), (-0.2, -0.1), (0.5, 2.0), plain(*rng.spread((0.1,) * 3, (0.7,) * 3)))])


def bench(rng: SceneRng) -> Model:
    """Draw a bench that faces its -y."""
    wood = Material.WOOD, rng.tint((0.28, 0.18, 0.10), 0.3)
    return Model('manmade', [
        box(0.85, (-0.25, 0.22), (0.4, 0.47), wood), box(0.85, (0.2, 0.27), (0.5, 0.9), wood),
        *(box(around(x_m, 0.04), (-0.22, 0.25), 0.5, _DARK) for x_m in (-0.7, 0.7))])


def fence(rng: SceneRng, length_m: float, height_m: float) -> Model:
    """Draw a fence along its x: boards, or posts with rails."""
    half = length_m / 2
    if rng.random() < 0.5:
        wood = Material.WOOD, rng.tint((0.35, 0.27, 0.18), 0.4)
        return Model('manmade', [box(half, 0.05, (0.1, height_m), wood)])
    posts_m = np.linspace(-half + 0.06, half - 0.06, max(2, round(length_m / 2.5)))
    return Model('manmade', [
        *(box(half, 0.03, (z_m, z_m + 0.12), _STEEL) for z_m in np.arange(0.3, height_m, 0.4)),
        *(box(around(x_m, 0.05), 0.05, height_m, _STEEL) for x_m in posts_m)])


def wall(rng: SceneRng, length_m: float, height_m: float) -> Model:
    """Draw a wall along its x."""
    half = length_m / 2
    return Model('manmade', [box(half, 0.15, height_m, rng.choice(_WALLS)),
                             box(half, 0.2, (height_m, height_m + 0.1), plain(0.4, 0.4, 0.38))])


def tub() -> Model:
    """Return a tub of concrete for a tree."""
    return Model('manmade', [box(0.8, 0.8, 0.6, _CONCRETE)])


def container(rng: SceneRng) -> Model:
    """Draw a shipping container along its x."""
    rgb = rng.tint(rng.choice(_CONTAINERS), 0.2)
    half = rng.choice((3.05, 6.1))
    return Model('manmade', [
        box(half, 1.22, (0.05, 2.55), (Material.STRIPES, rgb)),
        *(box(around(x_m, 0.08), 1.24, 2.6, plain(*rgb)) for x_m in (-half, half))])


def litter_bin(rng: SceneRng) -> Model:
    """Draw a litter bin or a wheeled bin."""
    coat = plain(*rng.choice(_BINS))
    if rng.random() < 0.5:
        return Model('others', [_pole(0.28, 0.95, coat),
                                ellipsoid(0.28, 0.28, (0.8, 1.1), plain(0.15))])
    return Model('others', [box(0.3, 0.3, (0.08, 1.0), coat), box(0.34, 0.32, (1.0, 1.1), coat),
                            box((-0.3, -0.2), 0.32, 0.2, _DARK)])


def dumpster(rng: SceneRng) -> Model:
    """Draw a skip for rubbish."""
    return Model('others', [box(0.95, 0.6, (0.1, 1.2), plain(*rng.choice(_BINS))),
                            box(1.0, 0.65, (1.2, 1.35), _DARK)])


def parcels(rng: SceneRng) -> Model:
    """Draw a small heap of cartons, crates or bags."""
    rows = []
    for _ in range(rng.integers(2, 5)):
        half = rng.spread((0.18,) * 3, (0.4,) * 3)
        x_m, y_m = rng.spread((-0.5, -0.5), (0.5, 0.5))
        rgb = rng.choice(_PARCELS)
        shape = ellipsoid if rgb[0] < 0.1 else box
        rows.append(shape(around(x_m, half[0]), around(y_m, half[1]), 2 * half[2], plain(*rgb),
                          rng.uniform(0, np.pi)))
    return Model('others', rows)


def mound(rng: SceneRng, radius_m: float, height_m: float, rgb: tuple[float, ...]) -> Model:
    """Draw a mound of earth or grass."""
    x_m, y_m = radius_m * rng.uniform(0.7, 1.3), radius_m * rng.uniform(0.7, 1.3)
    return Model('terrain', [ellipsoid(x_m, y_m, (-height_m, height_m), (Material.EARTH, rgb))])


def dog(rng: SceneRng) -> Model:
    """Draw a dog."""
    fur = plain(*rng.choice(_DOGS))
    return Model('others', [
        *(box(around(x_m, 0.04), around(y_m, 0.04), 0.35, fur)
          for x_m in (-0.25, 0.25) for y_m in (-0.09, 0.09)),
        ellipsoid((-0.4, 0.35), 0.15, (0.3, 0.62), fur),
        ellipsoid((0.28, 0.6), 0.1, (0.5, 0.75), fur)])


def hydrant(rng: SceneRng) -> Model:
    """Return a fire hydrant, which never varies."""
    return Model('others', [_pole(0.14, 0.7, _RED), ellipsoid(0.15, 0.15, (0.58, 0.85), _RED),
                            box(0.08, 0.22, (0.42, 0.56), _RED)])


def cabinet(rng: SceneRng) -> Model:
    """Draw a street cabinet."""
    half, height_m = rng.uniform(0.3, 0.7), rng.uniform(1.0, 1.6)
    return Model('manmade', [
        box(half, 0.25, height_m, plain(*rng.tint((0.35, 0.38, 0.34), 0.3)))])


def traffic_cone(rng: SceneRng) -> Model:
    """Draw a traffic cone, or a slender drum that serves as one."""
    if rng.random() < 0.2:
        return Model('traffic_cone', [
            _pole(0.2, 1.05, _ORANGE),
            *(cylinder(0.21, 0.21, (low_m, low_m + 0.16), _WHITE) for low_m in (0.35, 0.7))],
            (0.42, 0.42, 1.05))
    height_m = rng.uniform(0.75, 1.1)
    half_m = 0.36 * height_m / 2
    return Model('traffic_cone', [
        box(0.2, 0.2, 0.06, _BLACK), cone(half_m, half_m, (0.04, height_m), _ORANGE),
        cylinder(half_m * 0.6, half_m * 0.6, (0.45 * height_m, 0.62 * height_m), _WHITE)],
        (0.4, 0.4, height_m))


def barrier(rng: SceneRng, kind: int) -> Model:
    """
    Draw one element of a barrier, which reaches along its y.

    :param kind: 0 for concrete, 1 for red and white plastic, 2 for a board on feet.
    """
    height_m = rng.uniform(0.88, 1.08)
    if kind == 2:
        return Model('barrier', [
            *mirrored(box(0.25, (0.95, 1.05), 0.12, _BLACK)),
            *mirrored(box(0.04, (0.96, 1.04), height_m, _FEET)),
            *(box(0.03, 1.2, (height_m * low, height_m * high), (Material.STRIPES, _ORANGE[1]))
              for low, high in ((0.25, 0.5), (0.7, 1.0)))], (0.5, 2.4, height_m))
    coat = _BARRIERS[kind]
    return Model('barrier', [
        box(0.28, 1.23, height_m * 0.3, coat),
        box(0.19, 1.23, (height_m * 0.3, height_m * 0.55), coat),
        box(0.11, 1.23, (height_m * 0.55, height_m), coat)], (0.56, 2.46, height_m))

# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Model pedestrians, bicycles and motorcycles; a rider counts as a part of the cycle."""

from bdc_occ_ros.world.primitives import (
    around,
    box,
    Coat,
    ellipsoid,
    mirrored,
    Model,
    plain,
    Primitive,
    Rgb,
)
from bdc_occ_ros.world.scene_rng import SceneRng
from bdc_occ_ros.world.solids import Material
from bdc_occ_ros.world.vehicles import BLACK, HEAD_LAMP, TAIL_LAMP, TYRE

_CLOTHES = ((0.02, 0.02, 0.03), (0.05, 0.07, 0.16), (0.45, 0.44, 0.42), (0.38, 0.04, 0.04),
            (0.10, 0.20, 0.10), (0.30, 0.22, 0.14), (0.55, 0.45, 0.08), (0.14, 0.14, 0.15),
            (0.10, 0.28, 0.45), (0.45, 0.15, 0.30))
_TROUSERS = ((0.03, 0.04, 0.09), (0.02, 0.02, 0.02), (0.20, 0.17, 0.12), (0.10, 0.10, 0.11))
_SKIN = ((0.55, 0.36, 0.26), (0.40, 0.24, 0.16), (0.18, 0.10, 0.07))
_HAIR = ((0.03, 0.02, 0.02), (0.12, 0.07, 0.03), (0.35, 0.27, 0.14), (0.30, 0.30, 0.30))
_VEST = (0.75, 0.55, 0.02)
_HELMET = (0.75, 0.60, 0.05)
_FRAMES = ((0.55, 0.03, 0.03), (0.03, 0.12, 0.45), (0.02, 0.02, 0.02), (0.55, 0.55, 0.55),
           (0.05, 0.35, 0.12), (0.65, 0.40, 0.02))
_BASKET = Material.WOOD, (0.30, 0.20, 0.10)


def _cloth(rng: SceneRng, colours: tuple[Rgb, ...]) -> Coat:
    return Material.CLOTH, rng.choice(colours)


def _upper_body(rng: SceneRng, x_m: float, hip_m: float, height_m: float,
                vest: Rgb | None = None, hat: Rgb | None = None) -> list[Primitive]:
    """
    Return torso, arms, head and hair of a person.

    :param height_m: Height of the crown.
    :param vest: Colour of the shirt; drawn if not given.
    :param hat: Colour of a hat or helmet; hair is drawn if not given.
    """
    shirt = (Material.CLOTH, vest) if vest else _cloth(rng, _CLOTHES)
    skin = rng.choice(_SKIN)
    hair = hat or rng.choice(_HAIR)
    neck_m = height_m - (0.14 * height_m if height_m < 1.4 else 0.25)
    half_m = 0.2 * (0.6 + 0.4 * (height_m - hip_m) / 0.9)
    return [
        box(around(x_m, 0.13), half_m, (hip_m - 0.05, neck_m - 0.04), shirt),
        *(box((x_m - 0.06 + 0.1 * side, x_m + 0.08 + 0.1 * side),
              tuple(sorted((side * half_m, side * (half_m + 0.11)))),
              (hip_m - 0.08, neck_m - 0.08), shirt) for side in (-1, 1)),
        ellipsoid(around(x_m, 0.11), 0.09, (neck_m - 0.04, height_m - 0.01), plain(*skin)),
        ellipsoid((x_m - 0.13, x_m + 0.08), 0.1, (height_m - 0.14, height_m), plain(*hair))]


def pedestrian(rng: SceneRng, is_worker: bool = False) -> Model:
    """Draw an adult or a child on foot, or a worker with vest and helmet."""
    height_m = rng.normal(1.75, 0.09, 1.5, 1.95)
    if not is_worker and rng.random() < 0.08:
        height_m = rng.uniform(1.1, 1.4)
    stride_m = rng.uniform(0.05, 0.22)
    hip_m = 0.48 * height_m
    trousers = _cloth(rng, _TROUSERS)
    rows = [box((side * stride_m - 0.09, side * stride_m + 0.1),
                tuple(sorted((side * 0.02, side * 0.18))), hip_m, trousers) for side in (-1, 1)]
    rows += _upper_body(rng, 0.0, hip_m, height_m, *((_VEST, _HELMET) if is_worker else ()))
    if not is_worker and rng.random() < 0.35:
        backpack_m = hip_m + 0.1, hip_m + 0.55 * (height_m - hip_m)
        rows.append(box((-0.32, -0.13), 0.15, backpack_m, _cloth(rng, _CLOTHES)))
    return Model('pedestrian', rows, (0.73, 0.67, height_m))


def _rider(rng: SceneRng, x_m: float, seat_m: float, height_m: float, reach_m: float,
           has_helmet: bool) -> list[Primitive]:
    """Return a person on a saddle whose hands reach forward."""
    trousers = _cloth(rng, _TROUSERS[:3])
    helmet = rng.spread((0.05,) * 3, (0.7,) * 3) if has_helmet else None
    return [*mirrored(box((x_m - 0.05, x_m + 0.3), (0.1, 0.24), (0.25, seat_m + 0.12), trousers)),
            *mirrored(box((x_m + 0.1, x_m + reach_m), (0.2, 0.28),
                          (seat_m + 0.28, seat_m + 0.4), trousers)),
            *_upper_body(rng, x_m, seat_m, height_m, None, helmet)]


def bicycle(rng: SceneRng, has_rider: bool) -> Model:
    """Draw a bicycle."""
    frame = Material.PAINT, rng.choice(_FRAMES)
    length_m = rng.uniform(1.65, 1.82)
    axle_m = length_m / 2 - 0.34
    rows = [
        ellipsoid(around(axle_m, 0.34), 0.045, 2 * 0.34, TYRE),
        ellipsoid(around(-axle_m, 0.34), 0.045, 2 * 0.34, TYRE),
        box((-axle_m * 0.9, axle_m * 0.85), 0.03, (0.52, 0.62), frame),
        box((-0.2, -0.08), 0.03, (0.3, 0.92), frame),
        box((axle_m - 0.16, axle_m - 0.06), 0.03, (0.35, 1.02), frame),
        box((-0.3, -0.02), 0.08, (0.9, 0.98), BLACK),
        box((axle_m - 0.16, axle_m - 0.08), 0.29, (0.98, 1.06), BLACK)]
    height_m = 1.08
    if has_rider:
        height_m = rng.uniform(1.65, 1.85)
        rows += _rider(rng, -0.1, 0.95, height_m, axle_m, rng.random() < 0.6)
    elif rng.random() < 0.4:
        rows.append(box((axle_m - 0.1, axle_m + 0.25), 0.18, (0.75, 1.0), _BASKET))
    return Model('bicycle', rows, (length_m, 0.6, height_m))


def motorcycle(rng: SceneRng, has_rider: bool) -> Model:
    """Draw a motorcycle or a scooter."""
    rgb = rng.choice(_FRAMES)
    paint = Material.PAINT, rgb
    length_m = rng.uniform(1.95, 2.25)
    axle_m = length_m / 2 - 0.31
    rows = [
        ellipsoid(around(axle_m, 0.31), 0.09, 2 * 0.31, TYRE),
        ellipsoid(around(-axle_m, 0.31), 0.11, 2 * 0.31, TYRE),
        box((-axle_m * 0.75, axle_m * 0.6), 0.17, (0.3, 0.7), plain(0.12, 0.12, 0.13)),
        ellipsoid((-0.15, 0.5), 0.2, (0.6, 1.0), paint),
        box((-axle_m - 0.15, -0.1), 0.14, (0.72, 0.84), BLACK),
        box((-axle_m - 0.2, -axle_m + 0.25), 0.15, (0.6, 0.74), paint),
        box((axle_m - 0.35, axle_m - 0.12), 0.08, (0.4, 1.1), paint),
        box((axle_m - 0.4, axle_m - 0.3), 0.38, (1.05, 1.12), BLACK),
        box((axle_m - 0.13, axle_m - 0.05), 0.1, (0.85, 1.02), HEAD_LAMP),
        box((-axle_m - 0.25, -axle_m - 0.2), 0.1, (0.65, 0.73), TAIL_LAMP)]
    height_m = 1.18
    if has_rider:
        height_m = rng.uniform(1.5, 1.68)
        rows += _rider(rng, -0.25, 0.8, height_m, axle_m - 0.05, True)
    elif rng.random() < 0.3:
        rows.append(box((-axle_m - 0.28, -axle_m + 0.1), 0.22, (0.84, 1.18), plain(*rgb)))
    return Model('motorcycle', rows, (length_m, 0.78, height_m))

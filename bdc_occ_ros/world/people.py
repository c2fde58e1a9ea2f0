# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Pedestrians: adults, children and workers."""


from bdc_occ_ros.world.chance import Chance
from bdc_occ_ros.world.parts import Model, part, Parts, Rgb
from bdc_occ_ros.world.solids import Material, Shape

_CLOTHES = ((0.02, 0.02, 0.03), (0.05, 0.07, 0.16), (0.45, 0.44, 0.42), (0.38, 0.04, 0.04),
            (0.10, 0.20, 0.10), (0.30, 0.22, 0.14), (0.55, 0.45, 0.08), (0.14, 0.14, 0.15),
            (0.10, 0.28, 0.45), (0.45, 0.15, 0.30))
_TROUSERS = ((0.03, 0.04, 0.09), (0.02, 0.02, 0.02), (0.20, 0.17, 0.12), (0.10, 0.10, 0.11))
_SKIN = ((0.55, 0.36, 0.26), (0.40, 0.24, 0.16), (0.18, 0.10, 0.07))
_HAIR = ((0.03, 0.02, 0.02), (0.12, 0.07, 0.03), (0.35, 0.27, 0.14), (0.30, 0.30, 0.30))
_VEST = (0.75, 0.55, 0.02)
_HELMET = (0.75, 0.60, 0.05)


def upper_body(rng: Chance, x_m: float, hip_m: float, height_m: float,
               shirt: Rgb | None = None, hat: Rgb | None = None) -> Parts:
    """
    Return torso, arms, head and hair of a person.

    :param x_m: Where the person is along x.
    :param hip_m: Height of the hips.
    :param height_m: Height of the crown.
    :param shirt: Colour of the shirt; drawn if not given.
    :param hat: Colour of a hat or helmet; hair is drawn if not given.
    """
    shirt = shirt or rng.choice(_CLOTHES)
    skin = rng.choice(_SKIN)
    hair = hat or rng.choice(_HAIR)
    head_m = 0.14 * height_m if height_m < 1.4 else 0.25
    neck_m = height_m - head_m
    half_m = 0.2 * (0.6 + 0.4 * (height_m - hip_m) / 0.9)
    return [
        part(Shape.BOX, (x_m - 0.13, x_m + 0.13), (-half_m, half_m), (hip_m - 0.05, neck_m - 0.04),
             Material.CLOTH, shirt),
        *(part(Shape.BOX, (x_m - 0.06 + 0.1 * side, x_m + 0.08 + 0.1 * side),
               sorted((side * half_m, side * (half_m + 0.11))), (hip_m - 0.08, neck_m - 0.08),
               Material.CLOTH, shirt) for side in (-1, 1)),
        part(Shape.ELLIPSOID, (x_m - 0.11, x_m + 0.11), (-0.09, 0.09),
             (neck_m - 0.04, height_m - 0.01), Material.PLAIN, skin),
        part(Shape.ELLIPSOID, (x_m - 0.13, x_m + 0.08), (-0.1, 0.1),
             (height_m - 0.14, height_m), Material.PLAIN, hair)]


def pedestrian(rng: Chance, is_worker: bool = False) -> Model:
    """
    Return a person on foot.

    :param is_worker: With a vest and a helmet.
    """
    height_m = rng.normal(1.75, 0.09, 1.5, 1.95)
    if not is_worker and rng.random() < 0.08:
        height_m = rng.uniform(1.1, 1.4)
    stride_m = rng.uniform(0.05, 0.22)
    hip_m = 0.48 * height_m
    trousers = rng.choice(_TROUSERS)
    legs = [part(Shape.BOX, (side * stride_m - 0.09, side * stride_m + 0.1),
                 sorted((side * 0.02, side * 0.18)), (0, hip_m), Material.CLOTH, trousers)
            for side in (-1, 1)]
    vest, helmet = (_VEST, _HELMET) if is_worker else (None, None)
    rows = legs + upper_body(rng, 0.0, hip_m, height_m, vest, helmet)
    if not is_worker and rng.random() < 0.35:
        rows.append(part(Shape.BOX, (-0.32, -0.13), (-0.15, 0.15),
                         (hip_m + 0.1, hip_m + 0.55 * (height_m - hip_m)), Material.CLOTH,
                         rng.choice(_CLOTHES)))
    return Model('pedestrian', (0.73, 0.67, height_m), rows)

# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Bicycles and motorcycles, parked or with a rider, who counts as a part of the cycle."""


from bdc_occ_ros.world.chance import Chance
from bdc_occ_ros.world.parts import Model, part, Parts
from bdc_occ_ros.world.people import upper_body
from bdc_occ_ros.world.solids import Material, Shape
from bdc_occ_ros.world.vehicles import BLACK, HEAD_LAMP, TAIL_LAMP

_FRAMES = ((0.55, 0.03, 0.03), (0.03, 0.12, 0.45), (0.02, 0.02, 0.02), (0.55, 0.55, 0.55),
           (0.05, 0.35, 0.12), (0.65, 0.40, 0.02))
_TROUSERS = ((0.03, 0.04, 0.09), (0.02, 0.02, 0.02), (0.20, 0.17, 0.12))


def _wheel(x_m: float, radius_m: float, half_width_m: float) -> tuple[float, ...]:
    return part(Shape.ELLIPSOID, (x_m - radius_m, x_m + radius_m), (-half_width_m, half_width_m),
                (0, 2 * radius_m), Material.RUBBER, BLACK)


def _rider(rng: Chance, x_m: float, seat_m: float, height_m: float,
           reach_m: float, hat: bool) -> Parts:
    """Return a person on a saddle whose hands reach forward."""
    trousers = rng.choice(_TROUSERS)
    helmet = rng.spread((0.05,) * 3, (0.7,) * 3) if hat else None
    limbs = [part(Shape.BOX, (x_m - 0.05, x_m + 0.3), sorted((side * 0.1, side * 0.24)),
                  (0.25, seat_m + 0.12), Material.CLOTH, trousers) for side in (-1, 1)]
    arms = [part(Shape.BOX, (x_m + 0.1, x_m + reach_m), sorted((side * 0.2, side * 0.28)),
                 (seat_m + 0.28, seat_m + 0.4), Material.CLOTH, trousers) for side in (-1, 1)]
    return [*limbs, *arms, *upper_body(rng, x_m, seat_m, height_m, None, helmet)]


def bicycle(rng: Chance, has_rider: bool) -> Model:
    """
    Return a bicycle.

    :param has_rider: Whether someone rides it.
    """
    rgb = rng.choice(_FRAMES)
    length_m = rng.uniform(1.65, 1.82)
    axle_m = length_m / 2 - 0.34
    rows = [
        _wheel(axle_m, 0.34, 0.045), _wheel(-axle_m, 0.34, 0.045),
        part(Shape.BOX, (-axle_m * 0.9, axle_m * 0.85), (-0.03, 0.03), (0.52, 0.62),
             Material.PAINT, rgb),
        part(Shape.BOX, (-0.2, -0.08), (-0.03, 0.03), (0.3, 0.92), Material.PAINT, rgb),
        part(Shape.BOX, (axle_m - 0.16, axle_m - 0.06), (-0.03, 0.03), (0.35, 1.02),
             Material.PAINT, rgb),
        part(Shape.BOX, (-0.3, -0.02), (-0.08, 0.08), (0.9, 0.98), Material.PLAIN, BLACK),
        part(Shape.BOX, (axle_m - 0.16, axle_m - 0.08), (-0.29, 0.29), (0.98, 1.06),
             Material.PLAIN, BLACK)]
    height_m = 1.08
    if has_rider:
        height_m = rng.uniform(1.65, 1.85)
        rows += _rider(rng, -0.1, 0.95, height_m, axle_m, rng.random() < 0.6)
    elif rng.random() < 0.4:
        rows.append(part(Shape.BOX, (axle_m - 0.1, axle_m + 0.25), (-0.18, 0.18), (0.75, 1.0),
                         Material.WOOD, (0.30, 0.20, 0.10)))
    return Model('bicycle', (length_m, 0.6, height_m), rows)


def motorcycle(rng: Chance, has_rider: bool) -> Model:
    """
    Return a motorcycle or a scooter.

    :param has_rider: Whether someone rides it.
    """
    rgb = rng.choice(_FRAMES)
    length_m = rng.uniform(1.95, 2.25)
    axle_m = length_m / 2 - 0.31
    rows = [
        _wheel(axle_m, 0.31, 0.09), _wheel(-axle_m, 0.31, 0.11),
        part(Shape.BOX, (-axle_m * 0.75, axle_m * 0.6), (-0.17, 0.17), (0.3, 0.7),
             Material.PLAIN, (0.12, 0.12, 0.13)),
        part(Shape.ELLIPSOID, (-0.15, 0.5), (-0.2, 0.2), (0.6, 1.0), Material.PAINT, rgb),
        part(Shape.BOX, (-axle_m - 0.15, -0.1), (-0.14, 0.14), (0.72, 0.84), Material.PLAIN,
             BLACK),
        part(Shape.BOX, (-axle_m - 0.2, -axle_m + 0.25), (-0.15, 0.15), (0.6, 0.74),
             Material.PAINT, rgb),
        part(Shape.BOX, (axle_m - 0.35, axle_m - 0.12), (-0.08, 0.08), (0.4, 1.1), Material.PAINT,
             rgb),
        part(Shape.BOX, (axle_m - 0.4, axle_m - 0.3), (-0.38, 0.38), (1.05, 1.12), Material.PLAIN,
             BLACK),
        part(Shape.BOX, (axle_m - 0.13, axle_m - 0.05), (-0.1, 0.1), (0.85, 1.02), Material.LAMP,
             HEAD_LAMP),
        part(Shape.BOX, (-axle_m - 0.25, -axle_m - 0.2), (-0.1, 0.1), (0.65, 0.73), Material.LAMP,
             TAIL_LAMP)]
    height_m = 1.18
    if has_rider:
        height_m = rng.uniform(1.5, 1.68)
        rows += _rider(rng, -0.25, 0.8, height_m, axle_m - 0.05, True)
    elif rng.random() < 0.3:
        rows.append(part(Shape.BOX, (-axle_m - 0.28, -axle_m + 0.1), (-0.22, 0.22), (0.84, 1.18),
                         Material.PLAIN, rgb))
    return Model('motorcycle', (length_m, 0.78, height_m), rows)

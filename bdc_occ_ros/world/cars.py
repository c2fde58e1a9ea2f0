# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Cars: saloons, hatchbacks, estates, vans and pickups."""

from typing import NamedTuple

from bdc_occ_ros.world.chance import Chance
from bdc_occ_ros.world.parts import Model, part, Parts, Rgb
from bdc_occ_ros.world.solids import Material, Shape
from bdc_occ_ros.world.vehicles import BLACK, GLASS, lamps, pick, wheels

_COLOURS = (
    (0.70, 0.70, 0.69), (0.70, 0.70, 0.69), (0.03, 0.03, 0.032), (0.03, 0.03, 0.032),
    (0.38, 0.39, 0.40), (0.16, 0.165, 0.17), (0.40, 0.03, 0.03), (0.03, 0.08, 0.28),
    (0.10, 0.20, 0.36), (0.36, 0.30, 0.20), (0.05, 0.16, 0.08), (0.62, 0.36, 0.03))
_WINDOW_STEPS = 3


class _Kind(NamedTuple):
    """
    The shape of one kind of car.

    :param size_m: Length, width and height.
    :param share: How often it is seen.
    :param windows: Where the windows end at the belt line, rear and front, as shares of the
        length from the middle.
    :param roof: Where the roof ends, rear and front.
    :param belt: Height of the belt line as a share of the height.
    """

    size_m: tuple[float, float, float]
    share: float
    windows: tuple[float, float]
    roof: tuple[float, float]
    belt: float


_KINDS = (
    _Kind((4.7, 1.85, 1.48), 0.34, (-0.37, 0.21), (-0.22, 0.03), 0.61),
    _Kind((4.1, 1.78, 1.52), 0.20, (-0.49, 0.23), (-0.38, 0.03), 0.61),
    _Kind((4.8, 1.95, 1.75), 0.28, (-0.49, 0.24), (-0.43, 0.07), 0.58),
    _Kind((5.2, 2.00, 2.05), 0.09, (-0.50, 0.38), (-0.48, 0.26), 0.55),
    _Kind((5.6, 2.00, 1.85), 0.09, (-0.12, 0.22), (-0.09, 0.08), 0.58))


def car(rng: Chance) -> Model:
    """Return a car of some kind."""
    kind = rng.weighted(_KINDS, [kind.share for kind in _KINDS])
    length, width, height = (extent * rng.normal(1, 0.03, 0.93, 1.08) for extent in kind.size_m)
    rgb = pick(rng, _COLOURS)
    parts = [*_body(rgb, length, width / 2, kind.belt * height),
             *_cabin(kind, rgb, length, width / 2, height)]
    return Model('car', (length, width, height), parts)


def _body(rgb: Rgb, length: float, half: float, belt_m: float) -> Parts:
    """Return everything below the belt line."""
    front, rear = length / 2, -length / 2
    side = -half + 0.03, half - 0.03
    return [
        part(Shape.BOX, (rear + 0.05, front - 0.05), side, (0.3, 0.84 * belt_m), Material.PAINT,
             rgb),
        part(Shape.BOX, (rear + 0.1, front - 0.35), side, (0.84 * belt_m, belt_m),
             Material.PAINT, rgb),
        part(Shape.BOX, (rear, front), (-half + 0.05, half - 0.05), (0.25, 0.55), Material.PLAIN,
             BLACK),
        *wheels((0.31 * length, -0.31 * length), half, 0.33),
        *lamps(front, rear, half - 0.02, (0.70 * belt_m, 0.88 * belt_m)),
        part(Shape.BOX, (front - 0.06, front), (-0.45, 0.45), (0.6 * belt_m, 0.76 * belt_m),
             Material.PLAIN, BLACK)]


def _cabin(kind: _Kind, rgb: Rgb, length: float, half: float, height: float) -> Parts:
    """Return windows that lean in, in steps, pillars between them, and the roof."""
    belt_m, roof_m = kind.belt * height, height - 0.07
    rows = []
    for step in range(_WINDOW_STEPS):
        share = (step + 0.3) / _WINDOW_STEPS
        x_m = [(low + (high - low) * share) * length
               for low, high in zip(kind.windows, kind.roof, strict=True)]
        inset_m = 0.08 + 0.08 * share
        z_m = [belt_m + (roof_m - belt_m) * edge / _WINDOW_STEPS for edge in (step, step + 1)]
        rows.append(part(Shape.BOX, x_m, (-half + inset_m, half - inset_m), z_m, Material.GLASS,
                         GLASS))
    rear, front = (end * length for end in kind.roof)
    rows.append(part(Shape.BOX, (rear, front), (-half + 0.15, half - 0.15), (roof_m, height),
                     Material.PAINT, rgb))
    return rows + [
        part(Shape.BOX, (x - 0.05, x + 0.05), (-half + 0.085, half - 0.085), (belt_m, roof_m),
             Material.PAINT, rgb) for x in (rear + 0.1, (rear + front) / 2)]

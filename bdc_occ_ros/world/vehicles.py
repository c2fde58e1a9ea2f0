# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Model cars, lorries, buses, trailers and construction machines."""

from typing import NamedTuple

import numpy as np

from bdc_occ_ros.world.primitives import (
    around,
    box,
    ellipsoid,
    mirrored,
    Model,
    plain,
    Primitive,
    Rgb,
    Span,
)
from bdc_occ_ros.world.scene_rng import SceneRng
from bdc_occ_ros.world.solids import Material

BLACK = plain(0.02, 0.02, 0.022)
TYRE = Material.RUBBER, BLACK[1]
HEAD_LAMP = Material.LAMP, (0.85, 0.85, 0.78)
TAIL_LAMP = Material.LAMP, (0.55, 0.02, 0.02)
_AMBER = Material.LAMP, (0.8, 0.35, 0.03)
_GLASS = Material.GLASS, (0.05, 0.06, 0.07)
_STEEL = plain(0.18, 0.17, 0.16)
_UNPAINTED = Material.PAINT, (0.0, 0.0, 0.0)
_CAR_RGB = (
    (0.70, 0.70, 0.69), (0.70, 0.70, 0.69), (0.03, 0.03, 0.032), (0.03, 0.03, 0.032),
    (0.38, 0.39, 0.40), (0.16, 0.165, 0.17), (0.40, 0.03, 0.03), (0.03, 0.08, 0.28),
    (0.10, 0.20, 0.36), (0.36, 0.30, 0.20), (0.05, 0.16, 0.08), (0.62, 0.36, 0.03))
_FREIGHT_RGB = (
    (0.72, 0.72, 0.70), (0.72, 0.72, 0.70), (0.50, 0.50, 0.48), (0.08, 0.16, 0.40),
    (0.50, 0.05, 0.04), (0.08, 0.30, 0.12), (0.65, 0.45, 0.05), (0.45, 0.25, 0.10))
_BUS_RGB = (
    (0.65, 0.10, 0.06), (0.62, 0.62, 0.60), (0.08, 0.25, 0.50), (0.10, 0.38, 0.20),
    (0.70, 0.45, 0.04))
_BUS_BAND_RGB = (0.7, 0.7, 0.68)
_MACHINE_RGB = ((0.66, 0.40, 0.02), (0.66, 0.40, 0.02), (0.62, 0.22, 0.02), (0.50, 0.45, 0.35))
_WINDOW_STEPS = 3


class _CarBody(NamedTuple):
    """
    Describe the proportions of one type of car.

    :param windows: Rear and front end of the windows at the belt line, as shares of the length
        from the middle.
    :param roof: The same of the roof.
    :param belt: Height of the belt line as a share of the height.
    """

    size_m: tuple[float, float, float]
    share: float
    windows: tuple[float, float]
    roof: tuple[float, float]
    belt: float


# Saloon, hatchback, estate, van and pickup.
_CAR_BODIES = (
    _CarBody((4.7, 1.85, 1.48), 0.34, (-0.37, 0.21), (-0.22, 0.03), 0.61),
    _CarBody((4.1, 1.78, 1.52), 0.20, (-0.49, 0.23), (-0.38, 0.03), 0.61),
    _CarBody((4.8, 1.95, 1.75), 0.28, (-0.49, 0.24), (-0.43, 0.07), 0.58),
    _CarBody((5.2, 2.00, 2.05), 0.09, (-0.50, 0.38), (-0.48, 0.26), 0.55),
    _CarBody((5.6, 2.00, 1.85), 0.09, (-0.12, 0.22), (-0.09, 0.08), 0.58))


def _shade(rng: SceneRng, colours: tuple[Rgb, ...]) -> Rgb:
    """Draw one of some colours, a little lighter or darker."""
    factor = rng.uniform(0.8, 1.2)
    return tuple(min(0.9, channel * factor) for channel in rng.choice(colours))


def _wheels(axles_m: tuple[float, ...], half_width_m: float, radius_m: float) -> list[Primitive]:
    """Return a pair of wheels per axle, given the outer faces."""
    return [row for axle_m in axles_m for row in mirrored(
        ellipsoid(around(axle_m, radius_m), (half_width_m - 0.26, half_width_m - 0.01),
                  2 * radius_m, TYRE),
        ellipsoid(around(axle_m, radius_m * 0.5), (half_width_m - 0.22, half_width_m),
                  (radius_m * 0.5, radius_m * 1.5), plain(0.4, 0.4, 0.41)))]


def _lamps(half_length_m: float, half_width_m: float, z_m: Span) -> list[Primitive]:
    """Return two head lamps and two tail lamps."""
    y_m = half_width_m - 0.36, half_width_m
    return mirrored(box((half_length_m - 0.12, half_length_m), y_m, z_m, HEAD_LAMP),
                    box((-half_length_m, -half_length_m + 0.08), y_m, z_m, TAIL_LAMP))


def car(rng: SceneRng) -> Model:
    """Draw a car."""
    body = rng.weighted(_CAR_BODIES, [body.share for body in _CAR_BODIES])
    length, width, height = (extent * rng.normal(1, 0.03, 0.93, 1.08) for extent in body.size_m)
    paint = Material.PAINT, _shade(rng, _CAR_RGB)
    front, rear, half = length / 2, -length / 2, width / 2
    belt_m, roof_m = body.belt * height, height - 0.07
    rows = [
        box((rear + 0.05, front - 0.05), half - 0.03, (0.3, 0.84 * belt_m), paint),
        box((rear + 0.1, front - 0.35), half - 0.03, (0.84 * belt_m, belt_m), paint),
        box(front, half - 0.05, (0.25, 0.55), BLACK),
        *_wheels((0.31 * length, -0.31 * length), half, 0.33),
        *_lamps(front, half - 0.02, (0.70 * belt_m, 0.88 * belt_m)),
        box((front - 0.06, front), 0.45, (0.6 * belt_m, 0.76 * belt_m), BLACK)]
    for step in range(_WINDOW_STEPS):  # windows lean in
        share = (step + 0.3) / _WINDOW_STEPS
        low_m, high_m = (belt_m + (roof_m - belt_m) * edge / _WINDOW_STEPS
                         for edge in (step, step + 1))
        rows.append(box(tuple((low + (high - low) * share) * length
                              for low, high in zip(body.windows, body.roof, strict=True)),
                        half - (0.08 + 0.08 * share), (low_m, high_m), _GLASS))
    rear, front = (end * length for end in body.roof)
    rows.append(box((rear, front), half - 0.15, (roof_m, height), paint))
    rows += [box(around(pillar_m, 0.05), half - 0.085, (belt_m, roof_m), paint)
             for pillar_m in (rear + 0.1, (rear + front) / 2)]
    return Model('car', rows, (length, width, height))


def truck(rng: SceneRng) -> Model:
    """Draw a lorry with a box or a flat bed."""
    length, width = rng.normal(6.9, 1.0, 5.2, 9.5), rng.normal(2.45, 0.12, 2.15, 2.7)
    height = rng.normal(2.9, 0.3, 2.4, 3.6)
    rgb, cargo = _shade(rng, _FREIGHT_RGB), _shade(rng, _FREIGHT_RGB)
    front, rear, half = length / 2, -length / 2, width / 2
    rows = _cab(rgb, front, half, min(height, 2.7))
    if rng.random() < 0.75:
        rows += [box((rear, front - 2.05), half, (0.95, height), (Material.PAINT, cargo)),
                 box((rear, rear + 0.04), half - 0.1, (1.05, height - 0.1), plain(0.3))]
    else:
        rows += _flat_bed(rng, rear, front - 2.05, half, height)
    rows += [box((rear + 0.1, front - 0.4), half - 0.3, (0.5, 0.95), BLACK),
             *_wheels((front - 1.1, rear + 1.2), half, 0.48),
             *_lamps(front, half - 0.05, (0.75, 0.95))]
    return Model('truck', rows, (length, width, height))


def _cab(rgb: Rgb, front: float, half: float, height: float) -> list[Primitive]:
    """Return the driver's cab of a lorry: the foremost two metres."""
    paint = Material.PAINT, rgb
    return [
        box((front - 1.95, front - 0.05), half - 0.03, (0.55, 1.55), paint),
        box((front - 1.9, front - 0.15), half - 0.08, (1.55, height - 0.3), _GLASS),
        box((front - 1.95, front - 0.9), half - 0.05, (1.55, height - 0.25), paint),
        box((front - 1.95, front - 0.15), half - 0.05, (height - 0.3, height), paint),
        box((front - 0.15, front), half - 0.02, (0.4, 0.75), BLACK)]


def _flat_bed(rng: SceneRng, rear: float, front: float, half: float, height: float
              ) -> list[Primitive]:
    """Return a bed with side boards and a load."""
    load = Material.WOOD, _shade(rng, _FREIGHT_RGB)
    return [*mirrored(box((rear, front), (half - 0.06, half), (0.95, 1.5),
                          (Material.WOOD, (0.30, 0.20, 0.10)))),
            box((rear, front), half, (0.95, 1.05), (Material.WOOD, (0.25, 0.18, 0.1))),
            box((front - 0.1, front), half, (0.95, height), plain(0.2)),
            box((rear + 0.5, front - 0.5), half - 0.3, (1.05, rng.uniform(1.4, height)), load)]


def bus(rng: SceneRng) -> Model:
    """Draw a city bus."""
    length, width = rng.normal(11.2, 0.9, 8.5, 13.0), rng.normal(2.8, 0.1, 2.5, 3.0)
    height = rng.normal(3.4, 0.15, 3.1, 3.8)
    rgb = _shade(rng, _BUS_RGB)
    paint, band = (Material.PAINT, rgb), (Material.PAINT, _shade(rng, (_BUS_BAND_RGB, rgb)))
    front, rear, half = length / 2, -length / 2, width / 2
    return Model('bus', [
        box((rear + 0.05, front - 0.05), half, (0.35, 1.25), paint),
        box((rear + 0.1, front), half - 0.03, (1.25, 2.55), _GLASS),
        box((rear + 0.05, front - 0.05), half, (2.55, height - 0.2), band),
        box((rear + 0.6, front - 1.5), half - 0.4, (height - 0.2, height), plain(0.5)),
        box((front - 0.05, front), half - 0.4, (2.62, 2.9), _AMBER),
        box((rear + 0.05, rear + 0.3), half - 0.01, (1.2, 2.6), paint),
        box((rear, rear + 0.05), half - 0.3, (1.5, 2.4), _GLASS),
        *(box(around(pillar_m, 0.07), half, (1.25, 2.55), band)
          for pillar_m in np.linspace(rear + 1.5, front - 1.3, 6)),
        *_wheels((front - 2.4, rear + 3.0), half, 0.48),
        *_lamps(front, half - 0.1, (0.55, 0.8))], (length, width, height))


def trailer(rng: SceneRng) -> Model:
    """Draw a semi-trailer with a box or a container."""
    length, width = rng.normal(12.1, 1.2, 8.5, 14.0), rng.normal(2.75, 0.1, 2.5, 2.95)
    height = rng.normal(3.8, 0.2, 3.2, 4.1)
    front, rear, half = length / 2, -length / 2, width / 2
    rgb = _shade(rng, _FREIGHT_RGB)
    material = rng.weighted((Material.PAINT, Material.STRIPES), (0.7, 0.3))
    return Model('trailer', [
        box(front, half, (1.15, height), (material, rgb)),
        box((rear + 0.2, front - 0.5), 0.5, (0.85, 1.15), BLACK),
        box((rear, rear + 0.03), half - 0.05, (0.5, 0.62), (Material.STRIPES, TAIL_LAMP[1])),
        *mirrored(box((front - 3.0, front - 2.8), around(0.8, 0.08), 0.9, BLACK)),
        *_wheels((rear + 1.0, rear + 2.2, rear + 3.4), half, 0.5),
        *_lamps(front, half - 0.05, (0.9, 1.08))], (length, width, height))


def tractor(rng: SceneRng) -> Model:
    """Draw a lorry that pulls a semi-trailer."""
    length, width, height = rng.uniform(5.6, 6.4), 2.5, rng.uniform(3.0, 3.5)
    front, rear, half = length / 2, -length / 2, width / 2
    rgb = _shade(rng, _FREIGHT_RGB)
    return Model('truck', [
        *_cab(rgb, front, half, height - 0.5),
        box((front - 1.95, front - 0.6), 1.1, (height - 0.5, height), (Material.PAINT, rgb)),
        box((rear, front - 0.3), 0.5, (0.5, 0.95), BLACK),
        *_wheels((front - 1.2, rear + 0.7, rear + 1.8), half, 0.5),
        *_lamps(front, half - 0.05, (0.75, 0.95))], (length, width, height))


class _Machine(NamedTuple):
    """Describe a construction machine; unpainted parts get their colour when it is drawn."""

    share: float
    size_m: tuple[float, float, float]
    rows: list[Primitive]


_EXCAVATOR = _Machine(0.45, (6.6, 2.8, 3.3), [
    *mirrored(box((-2.6, 1.2), (0.75, 1.35), 0.85, TYRE)),
    box((-1.8, 0.4), 0.75, (0.35, 0.95), _STEEL),
    box((-3.0, 0.6), 1.35, (0.95, 1.9), _UNPAINTED),
    box((-3.3, -2.6), 1.3, (1.0, 2.0), _STEEL),
    box((-0.7, 0.8), (0.35, 1.3), (1.9, 2.85), _GLASS),
    box(0.75, (0.33, 1.32), (2.85, 2.98), _UNPAINTED),
    box((-0.75, -0.6), (0.33, 1.32), (1.9, 2.9), _UNPAINTED),
    box((0.4, 1.2), (-0.5, -0.05), (1.5, 2.3), _UNPAINTED),
    box((0.9, 1.7), (-0.5, -0.05), (2.0, 2.8), _UNPAINTED),
    box((1.4, 2.4), (-0.5, -0.05), (2.55, 3.3), _UNPAINTED),
    box((2.2, 2.9), (-0.48, -0.07), (2.2, 3.0), _UNPAINTED),
    box((2.6, 3.05), (-0.45, -0.1), (0.9, 2.5), _UNPAINTED),
    box((2.4, 3.3), (-0.75, 0.2), (0.1, 0.95), _STEEL)])
_WHEEL_LOADER = _Machine(0.3, (6.6, 2.7, 3.2), [
    *_wheels((1.2, -1.6), 1.3, 0.75),
    box((-3.3, -0.6), 0.9, (0.9, 2.0), _UNPAINTED),
    box((-0.6, 1.9), 0.7, (0.7, 1.5), _UNPAINTED),
    box((-0.9, 0.6), 0.75, (1.7, 3.0), _GLASS),
    box((-1.0, 0.65), 0.8, (3.0, 3.2), _UNPAINTED),
    box((-0.95, -0.8), 0.76, (1.7, 3.0), _UNPAINTED),
    *mirrored(box((1.4, 2.6), (0.45, 0.7), (0.9, 1.35), _UNPAINTED)),
    box((2.4, 3.3), 1.35, (0.1, 0.45), _STEEL),
    box((2.4, 2.7), 1.35, (0.1, 1.25), _STEEL)])
_ROAD_ROLLER = _Machine(0.1, (5.4, 2.3, 2.9), [
    ellipsoid((1.0, 2.6), 1.15, 1.6, _STEEL),
    *_wheels((-1.7,), 1.1, 0.75),
    box((-2.7, 0.2), 0.95, (0.8, 1.7), _UNPAINTED),
    box((-0.2, 2.4), 1.15, (1.25, 1.55), _UNPAINTED),
    box((-0.9, 0.5), 0.8, (1.7, 2.7), _GLASS),
    box((-1.1, 0.6), 0.95, (2.7, 2.9), _UNPAINTED)])
_MOBILE_CRANE = _Machine(0.15, (8.4, 2.7, 3.6), [
    *_wheels((2.6, 1.2, -1.6, -3.0), 1.3, 0.6),
    box((-4.1, 3.6), 1.2, (0.75, 1.35), _UNPAINTED),
    box((2.2, 4.1), 1.2, (1.0, 1.7), _UNPAINTED),
    box((2.4, 4.0), (-1.15, -0.1), (1.7, 2.5), _GLASS),
    box((2.3, 4.0), (-1.2, -0.05), (2.5, 2.65), _UNPAINTED),
    box((-3.9, -0.9), 1.25, (1.35, 2.5), _UNPAINTED),
    box((-4.2, -3.4), 1.2, (1.4, 2.6), _STEEL),
    box((-2.6, 0.4), (-0.05, 0.65), (2.5, 3.0), _UNPAINTED),
    box((-0.6, 2.4), (-0.02, 0.62), (2.8, 3.3), _UNPAINTED),
    box((1.4, 4.2), (0.02, 0.58), (3.1, 3.6), _UNPAINTED)])
_MACHINES = (_EXCAVATOR, _WHEEL_LOADER, _ROAD_ROLLER, _MOBILE_CRANE)


def construction_vehicle(rng: SceneRng) -> Model:
    """Draw a construction machine."""
    machine = rng.weighted(_MACHINES, [machine.share for machine in _MACHINES])
    rgb = _shade(rng, _MACHINE_RGB)
    scale = rng.uniform(0.88, 1.12)
    rows = [(*(value * scale for value in row[:6]), *row[6:9],
             *(rgb if row[8] == Material.PAINT else row[9:])) for row in machine.rows]
    return Model('construction_vehicle', rows, tuple(extent * scale for extent in machine.size_m))

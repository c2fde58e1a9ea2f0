# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Lorries, buses and trailers, and the wheels and lamps that all vehicles have."""

import numpy as np

from bdc_occ_ros.world.chance import Chance
from bdc_occ_ros.world.parts import Model, part, Parts, Rgb, Span
from bdc_occ_ros.world.solids import Material, Shape

BLACK = (0.02, 0.02, 0.022)
GLASS = (0.05, 0.06, 0.07)
HEAD_LAMP = (0.85, 0.85, 0.78)
TAIL_LAMP = (0.55, 0.02, 0.02)
AMBER = (0.8, 0.35, 0.03)
FREIGHT_COLOURS = (
    (0.72, 0.72, 0.70), (0.72, 0.72, 0.70), (0.50, 0.50, 0.48), (0.08, 0.16, 0.40),
    (0.50, 0.05, 0.04), (0.08, 0.30, 0.12), (0.65, 0.45, 0.05), (0.45, 0.25, 0.10))
BUS_COLOURS = (
    (0.65, 0.10, 0.06), (0.62, 0.62, 0.60), (0.08, 0.25, 0.50), (0.10, 0.38, 0.20),
    (0.70, 0.45, 0.04))


def pick(rng: Chance, colours: tuple[Rgb, ...]) -> Rgb:
    """Return one of some colours, a little lighter or darker."""
    factor = rng.uniform(0.8, 1.2)
    return tuple(min(0.9, channel * factor) for channel in rng.choice(colours))


def wheels(axles_m: tuple[float, ...], half_width_m: float, radius_m: float) -> Parts:
    """
    Return a pair of wheels per axle.

    :param axles_m: x of every axle.
    :param half_width_m: Where their outer faces are.
    """
    rows = []
    for axle_m in axles_m:
        span = axle_m - radius_m, axle_m + radius_m
        hub = axle_m - radius_m * 0.5, axle_m + radius_m * 0.5
        for side in (-1, 1):
            outer = sorted((side * (half_width_m - 0.01), side * (half_width_m - 0.26)))
            cap = sorted((side * half_width_m, side * (half_width_m - 0.22)))
            rows += [part(Shape.ELLIPSOID, span, outer, (0, 2 * radius_m), Material.RUBBER, BLACK),
                     part(Shape.ELLIPSOID, hub, cap, (radius_m * 0.5, radius_m * 1.5),
                          Material.PLAIN, (0.4, 0.4, 0.41))]
    return rows


def lamps(front_m: float, rear_m: float, half_width_m: float, z_m: Span) -> Parts:
    """
    Return two head lamps and two tail lamps.

    :param front_m: Where the front ends.
    :param rear_m: Where the rear ends.
    :param z_m: From which height to which.
    """
    rows = []
    for side in (-1, 1):
        y_m = sorted((side * half_width_m, side * (half_width_m - 0.36)))
        rows += [part(Shape.BOX, (front_m - 0.12, front_m), y_m, z_m, Material.LAMP, HEAD_LAMP),
                 part(Shape.BOX, (rear_m, rear_m + 0.08), y_m, z_m, Material.LAMP, TAIL_LAMP)]
    return rows


def truck(rng: Chance) -> Model:
    """Return a lorry with a box or a flat bed."""
    length, width = rng.normal(6.9, 1.0, 5.2, 9.5), rng.normal(2.45, 0.12, 2.15, 2.7)
    height = rng.normal(2.9, 0.3, 2.4, 3.6)
    rgb, cargo = pick(rng, FREIGHT_COLOURS), pick(rng, FREIGHT_COLOURS)
    front, rear = length / 2, -length / 2
    parts = _cab(rgb, front, width, min(height, 2.7))
    if rng.random() < 0.75:
        parts.append(part(Shape.BOX, (rear, front - 2.05), (-width / 2, width / 2), (0.95, height),
                          Material.PAINT, cargo))
        parts.append(part(Shape.BOX, (rear, rear + 0.04), (-width / 2 + 0.1, width / 2 - 0.1),
                          (1.05, height - 0.1), Material.PLAIN, (0.3, 0.3, 0.3)))
    else:
        parts += _flat_bed(rng, rear, front - 2.05, width / 2, height)
    parts.append(part(Shape.BOX, (rear + 0.1, front - 0.4), (-width / 2 + 0.3, width / 2 - 0.3),
                      (0.5, 0.95), Material.PLAIN, BLACK))
    parts += wheels((front - 1.1, rear + 1.2), width / 2, 0.48)
    parts += lamps(front, rear, width / 2 - 0.05, (0.75, 0.95))
    return Model('truck', (length, width, height), parts)


def _cab(rgb: Rgb, front: float, width: float, height: float) -> list[tuple[float, ...]]:
    """Return the driver's cab of a lorry: two metres before the front."""
    half = width / 2
    return [
        part(Shape.BOX, (front - 1.95, front - 0.05), (-half + 0.03, half - 0.03), (0.55, 1.55),
             Material.PAINT, rgb),
        part(Shape.BOX, (front - 1.9, front - 0.15), (-half + 0.08, half - 0.08),
             (1.55, height - 0.3), Material.GLASS, GLASS),
        part(Shape.BOX, (front - 1.95, front - 0.9), (-half + 0.05, half - 0.05),
             (1.55, height - 0.25), Material.PAINT, rgb),
        part(Shape.BOX, (front - 1.95, front - 0.15), (-half + 0.05, half - 0.05),
             (height - 0.3, height), Material.PAINT, rgb),
        part(Shape.BOX, (front - 0.15, front), (-half + 0.02, half - 0.02), (0.4, 0.75),
             Material.PLAIN, BLACK)]


def _flat_bed(rng: Chance, rear: float, front: float, half: float,
              height: float) -> list[tuple[float, ...]]:
    """Return a bed with side boards and a load."""
    load = pick(rng, FREIGHT_COLOURS)
    boards = [part(Shape.BOX, (rear, front), sorted((side * half, side * (half - 0.06))),
                   (0.95, 1.5), Material.WOOD, (0.30, 0.20, 0.10)) for side in (-1, 1)]
    return [*boards,
            part(Shape.BOX, (rear, front), (-half, half), (0.95, 1.05), Material.WOOD,
                 (0.25, 0.18, 0.1)),
            part(Shape.BOX, (front - 0.1, front), (-half, half), (0.95, height), Material.PLAIN,
                 (0.2, 0.2, 0.2)),
            part(Shape.BOX, (rear + 0.5, front - 0.5), (-half + 0.3, half - 0.3),
                 (1.05, rng.uniform(1.4, height)), Material.WOOD, load)]


def bus(rng: Chance) -> Model:
    """Return a city bus."""
    length, width = rng.normal(11.2, 0.9, 8.5, 13.0), rng.normal(2.8, 0.1, 2.5, 3.0)
    height = rng.normal(3.4, 0.15, 3.1, 3.8)
    rgb = pick(rng, BUS_COLOURS)
    band = pick(rng, ((0.7, 0.7, 0.68), rgb))
    front, rear, half = length / 2, -length / 2, width / 2
    body = [
        part(Shape.BOX, (rear + 0.05, front - 0.05), (-half, half), (0.35, 1.25), Material.PAINT,
             rgb),
        part(Shape.BOX, (rear + 0.1, front), (-half + 0.03, half - 0.03), (1.25, 2.55),
             Material.GLASS, GLASS),
        part(Shape.BOX, (rear + 0.05, front - 0.05), (-half, half), (2.55, height - 0.2),
             Material.PAINT, band),
        part(Shape.BOX, (rear + 0.6, front - 1.5), (-half + 0.4, half - 0.4),
             (height - 0.2, height), Material.PLAIN, (0.5, 0.5, 0.5)),
        part(Shape.BOX, (front - 0.05, front), (-half + 0.4, half - 0.4), (2.62, 2.9),
             Material.LAMP, AMBER),
        part(Shape.BOX, (rear + 0.05, rear + 0.3), (-half + 0.01, half - 0.01), (1.2, 2.6),
             Material.PAINT, rgb),
        part(Shape.BOX, (rear, rear + 0.05), (-half + 0.3, half - 0.3), (1.5, 2.4),
             Material.GLASS, GLASS)]
    pillars = np.linspace(rear + 1.5, front - 1.3, 6)
    body += [part(Shape.BOX, (x - 0.07, x + 0.07), (-half, half), (1.25, 2.55), Material.PAINT,
                  band) for x in pillars]
    body += wheels((front - 2.4, rear + 3.0), half, 0.48)
    body += lamps(front, rear, half - 0.1, (0.55, 0.8))
    return Model('bus', (length, width, height), body)


def trailer(rng: Chance) -> Model:
    """Return a semi-trailer with a box, a tank or a container."""
    length, width = rng.normal(12.1, 1.2, 8.5, 14.0), rng.normal(2.75, 0.1, 2.5, 2.95)
    height = rng.normal(3.8, 0.2, 3.2, 4.1)
    front, rear, half = length / 2, -length / 2, width / 2
    rgb = pick(rng, FREIGHT_COLOURS)
    material = rng.weighted((Material.PAINT, Material.STRIPES), (0.7, 0.3))
    parts = [
        part(Shape.BOX, (rear, front), (-half, half), (1.15, height), material, rgb),
        part(Shape.BOX, (rear + 0.2, front - 0.5), (-0.5, 0.5), (0.85, 1.15), Material.PLAIN,
             BLACK),
        part(Shape.BOX, (rear, rear + 0.03), (-half + 0.05, half - 0.05), (0.5, 0.62),
             Material.STRIPES, TAIL_LAMP),
        *(part(Shape.BOX, (front - 3.0, front - 2.8), (side - 0.08, side + 0.08), (0, 0.9),
               Material.PLAIN, BLACK) for side in (-0.8, 0.8))]
    parts += wheels((rear + 1.0, rear + 2.2, rear + 3.4), half, 0.5)
    parts += lamps(front, rear, half - 0.05, (0.9, 1.08))
    return Model('trailer', (length, width, height), parts)


def tractor(rng: Chance) -> Model:
    """Return a lorry that pulls a semi-trailer."""
    length, width, height = rng.uniform(5.6, 6.4), 2.5, rng.uniform(3.0, 3.5)
    front, rear = length / 2, -length / 2
    rgb = pick(rng, FREIGHT_COLOURS)
    parts = _cab(rgb, front, width, height - 0.5)
    parts.append(part(Shape.BOX, (front - 1.95, front - 0.6), (-1.1, 1.1),
                      (height - 0.5, height), Material.PAINT, rgb))
    parts.append(part(Shape.BOX, (rear, front - 0.3), (-0.5, 0.5), (0.5, 0.95), Material.PLAIN,
                      BLACK))
    parts += wheels((front - 1.2, rear + 0.7, rear + 1.8), width / 2, 0.5)
    parts += lamps(front, rear, width / 2 - 0.05, (0.75, 0.95))
    return Model('truck', (length, width, height), parts)

# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What stands at works: excavators, loaders, rollers, cranes, cones and barriers."""


from bdc_occ_ros.world.chance import Chance
from bdc_occ_ros.world.parts import Model, part, Parts, Rgb
from bdc_occ_ros.world.solids import Material, Shape
from bdc_occ_ros.world.vehicles import BLACK, GLASS, pick, wheels

_MACHINES = ((0.66, 0.40, 0.02), (0.66, 0.40, 0.02), (0.62, 0.22, 0.02), (0.50, 0.45, 0.35))
_ORANGE = (0.75, 0.18, 0.02)
_WHITE = (0.75, 0.75, 0.73)
_STEEL = (0.18, 0.17, 0.16)


def _box(x_m: tuple, y_m: tuple, z_m: tuple, rgb: Rgb, material: Material = Material.PAINT
         ) -> tuple[float, ...]:
    return part(Shape.BOX, x_m, y_m, z_m, material, rgb)


def construction_vehicle(rng: Chance) -> Model:
    """Return one of four machines."""
    machine = rng.weighted((_excavator, _loader, _roller, _crane), (0.45, 0.3, 0.1, 0.15))
    size_m, parts = machine(pick(rng, _MACHINES))
    scale = rng.uniform(0.88, 1.12)
    rows = [(*(value * scale for value in row[:6]), *row[6:]) for row in parts]
    return Model('construction_vehicle', tuple(extent * scale for extent in size_m), rows)


def _excavator(rgb: Rgb) -> tuple[tuple[float, ...], Parts]:
    """Return tracks, upper carriage, cab and an arm in steps."""
    return (6.6, 2.8, 3.3), [
        *(_box((-2.6, 1.2), sorted((side * 0.75, side * 1.35)), (0, 0.85), BLACK, Material.RUBBER)
          for side in (-1, 1)),
        _box((-1.8, 0.4), (-0.75, 0.75), (0.35, 0.95), _STEEL, Material.PLAIN),
        _box((-3.0, 0.6), (-1.35, 1.35), (0.95, 1.9), rgb),
        _box((-3.3, -2.6), (-1.3, 1.3), (1.0, 2.0), _STEEL, Material.PLAIN),
        _box((-0.7, 0.8), (0.35, 1.3), (1.9, 2.85), GLASS, Material.GLASS),
        _box((-0.75, 0.75), (0.33, 1.32), (2.85, 2.98), rgb),
        _box((-0.75, -0.6), (0.33, 1.32), (1.9, 2.9), rgb),
        _box((0.4, 1.2), (-0.5, -0.05), (1.5, 2.3), rgb),
        _box((0.9, 1.7), (-0.5, -0.05), (2.0, 2.8), rgb),
        _box((1.4, 2.4), (-0.5, -0.05), (2.55, 3.3), rgb),
        _box((2.2, 2.9), (-0.48, -0.07), (2.2, 3.0), rgb),
        _box((2.6, 3.05), (-0.45, -0.1), (0.9, 2.5), rgb),
        _box((2.4, 3.3), (-0.75, 0.2), (0.1, 0.95), _STEEL, Material.PLAIN)]


def _loader(rgb: Rgb) -> tuple[tuple[float, ...], Parts]:
    """Return a wheel loader with its bucket ahead."""
    return (6.6, 2.7, 3.2), [
        *wheels((1.2, -1.6), 1.3, 0.75),
        _box((-3.3, -0.6), (-0.9, 0.9), (0.9, 2.0), rgb),
        _box((-0.6, 1.9), (-0.7, 0.7), (0.7, 1.5), rgb),
        _box((-0.9, 0.6), (-0.75, 0.75), (1.7, 3.0), GLASS, Material.GLASS),
        _box((-1.0, 0.65), (-0.8, 0.8), (3.0, 3.2), rgb),
        _box((-0.95, -0.8), (-0.76, 0.76), (1.7, 3.0), rgb),
        *(_box((1.4, 2.6), sorted((side * 0.45, side * 0.7)), (0.9, 1.35), rgb)
          for side in (-1, 1)),
        _box((2.4, 3.3), (-1.35, 1.35), (0.1, 0.45), _STEEL, Material.PLAIN),
        _box((2.4, 2.7), (-1.35, 1.35), (0.1, 1.25), _STEEL, Material.PLAIN)]


def _roller(rgb: Rgb) -> tuple[tuple[float, ...], Parts]:
    """Return a road roller."""
    return (5.4, 2.3, 2.9), [
        part(Shape.ELLIPSOID, (1.0, 2.6), (-1.15, 1.15), (0, 1.6), Material.PLAIN, _STEEL),
        *wheels((-1.7,), 1.1, 0.75),
        _box((-2.7, 0.2), (-0.95, 0.95), (0.8, 1.7), rgb),
        _box((-0.2, 2.4), (-1.15, 1.15), (1.25, 1.55), rgb),
        _box((-0.9, 0.5), (-0.8, 0.8), (1.7, 2.7), GLASS, Material.GLASS),
        _box((-1.1, 0.6), (-0.95, 0.95), (2.7, 2.9), rgb)]


def _crane(rgb: Rgb) -> tuple[tuple[float, ...], Parts]:
    """Return a mobile crane with its jib laid ahead in steps."""
    return (8.4, 2.7, 3.6), [
        *wheels((2.6, 1.2, -1.6, -3.0), 1.3, 0.6),
        _box((-4.1, 3.6), (-1.2, 1.2), (0.75, 1.35), rgb),
        _box((2.2, 4.1), (-1.2, 1.2), (1.0, 1.7), rgb),
        _box((2.4, 4.0), (-1.15, -0.1), (1.7, 2.5), GLASS, Material.GLASS),
        _box((2.3, 4.0), (-1.2, -0.05), (2.5, 2.65), rgb),
        _box((-3.9, -0.9), (-1.25, 1.25), (1.35, 2.5), rgb),
        _box((-4.2, -3.4), (-1.2, 1.2), (1.4, 2.6), _STEEL, Material.PLAIN),
        _box((-2.6, 0.4), (-0.05, 0.65), (2.5, 3.0), rgb),
        _box((-0.6, 2.4), (-0.02, 0.62), (2.8, 3.3), rgb),
        _box((1.4, 4.2), (0.02, 0.58), (3.1, 3.6), rgb)]


def cone(rng: Chance) -> Model:
    """Return a traffic cone, or a slender drum that serves as one."""
    if rng.random() < 0.2:
        rows = [part(Shape.CYLINDER, (-0.2, 0.2), (-0.2, 0.2), (0, 1.05), Material.PLAIN, _ORANGE)]
        rows += [part(Shape.CYLINDER, (-0.21, 0.21), (-0.21, 0.21), (low, low + 0.16),
                      Material.PLAIN, _WHITE) for low in (0.35, 0.7)]
        return Model('traffic_cone', (0.42, 0.42, 1.05), rows)
    height_m = rng.uniform(0.75, 1.1)
    half_m = 0.36 * height_m / 2
    band_m = half_m * 0.6
    rows = [
        part(Shape.BOX, (-0.2, 0.2), (-0.2, 0.2), (0, 0.06), Material.PLAIN, BLACK),
        part(Shape.CONE, (-half_m, half_m), (-half_m, half_m), (0.04, height_m), Material.PLAIN,
             _ORANGE),
        part(Shape.CYLINDER, (-band_m, band_m), (-band_m, band_m),
             (0.45 * height_m, 0.62 * height_m), Material.PLAIN, _WHITE)]
    return Model('traffic_cone', (0.4, 0.4, height_m), rows)


def barrier(rng: Chance, kind: int) -> Model:
    """
    Return one element of a barrier, which reaches along its y.

    :param kind: 0 for concrete, 1 for red and white plastic, 2 for a board on feet.
    """
    height_m = rng.uniform(0.88, 1.08)
    if kind == 2:
        feet = [_box((-0.25, 0.25), sorted((side * 0.95, side * 1.05)), (0, 0.12), BLACK,
                     Material.PLAIN) for side in (-1, 1)]
        posts = [_box((-0.04, 0.04), sorted((side * 0.96, side * 1.04)), (0, height_m), _STEEL,
                      Material.PLAIN) for side in (-1, 1)]
        boards = [_box((-0.03, 0.03), (-1.2, 1.2), (height_m * low, height_m * high), _ORANGE,
                       Material.STRIPES) for low, high in ((0.25, 0.5), (0.7, 1.0))]
        return Model('barrier', (0.5, 2.4, height_m), feet + posts + boards)
    rgb, material = (((0.48, 0.47, 0.44), Material.CONCRETE), ((0.62, 0.08, 0.04),
                                                               Material.STRIPES))[kind]
    rows = [_box((-0.28, 0.28), (-1.23, 1.23), (0, height_m * 0.3), rgb, material),
            _box((-0.19, 0.19), (-1.23, 1.23), (height_m * 0.3, height_m * 0.55), rgb, material),
            _box((-0.11, 0.11), (-1.23, 1.23), (height_m * 0.55, height_m), rgb, material)]
    return Model('barrier', (0.56, 2.46, height_m), rows)

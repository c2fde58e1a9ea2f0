# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Which points see the sun and the sky, beside a pole and a roof of known place."""

import pytest
import torch

from bdc_occ_ros.world.culling import Obstacles
from bdc_occ_ros.world.shadows import shadow_maps
from bdc_occ_ros.world.solids import Shape, Solids


def boxes(*rows):
    center_m, half_m = (torch.tensor(part) for part in zip(*rows))
    none = torch.zeros(len(rows), dtype=torch.int64)
    return Solids(center_m, half_m, torch.zeros(len(rows)), none + int(Shape.BOX), none, none - 1,
                  none, torch.ones(len(rows), 3))


ROOF = boxes(((3.0, 2.0, 4.0), (2.0, 2.0, 0.1)), ((40.0, 0.0, 4.0), (3.0, 3.0, 0.2)))
SLANTED = torch.tensor((0.6, 0.0, 0.8))


def maps_of(solids, direction, texels=256):
    return shadow_maps(Obstacles.stacked([solids]), torch.tensor(((1.0, 1.0, 0.0),)),
                       direction[None], texels)


def lit(maps, *points):
    found = maps.sunlit(torch.zeros(1, dtype=torch.int64), torch.tensor(points).T[None])
    return found[0].tolist()


def test_a_slanting_sun_shifts_the_shadow_away_from_it():
    maps = maps_of(ROOF, SLANTED)
    shift_m = 4.0 * 0.6 / 0.8
    middle = (3.0 - shift_m, 2.0, 0.0)
    assert lit(maps, middle, (middle[0] - 1.7, 2.0, 0.0), (middle[0] + 1.7, 3.6, 0.0)) == [0, 0, 0]
    assert lit(maps, (middle[0] - 2.4, 2.0, 0.0), (middle[0] + 2.4, 2.0, 0.0),
               (middle[0], 4.4, 0.0), (middle[0], -0.4, 0.0)) == [1, 1, 1, 1]


def test_what_is_above_the_roof_is_lit_and_below_is_not():
    maps = maps_of(ROOF, SLANTED)
    assert lit(maps, (3.0, 2.0, 4.1), (2.4, 2.0, 3.5)) == [1, 0]


def test_the_large_map_goes_on_where_the_small_one_ends():
    maps = maps_of(ROOF, SLANTED)
    assert lit(maps, (37.0, 0.0, 0.0), (43.0, 0.0, 0.0), (500.0, 0.0, 0.0)) == [0, 1, 1]


@pytest.mark.parametrize('direction', [(0.0, 0.0, 1.0), (0.0, -0.99, 0.141)])
def test_sun_overhead_and_sun_at_the_horizon(direction):
    direction = torch.tensor(direction)
    wall = boxes(((1.0, 1.0, 1.0), (4.0, 0.5, 1.0)))
    maps = maps_of(wall, direction / direction.norm())
    overhead = direction[2] == 1
    assert lit(maps, (1.0, 4.5, 0.0), (1.0, 1.0, 2.0)) == [float(overhead), 1]


def test_sky_is_hidden_under_the_roof_and_open_beside_it():
    maps = maps_of(ROOF, SLANTED)
    points = torch.tensor(((3.0, 2.0, 0.0), (3.0, 3.0, 0.0), (3.0, 8.0, 0.0), (3.0, -1.5, 0.0),
                           (-0.5, 2.0, 0.0), (3.0, 2.0, 4.2))).T[None]
    found = maps.openness(torch.zeros(1, dtype=torch.int64), points)[0].tolist()
    assert found == [0, 0, 1, 1, 1, 1]


def test_every_world_has_its_own_maps():
    both = shadow_maps(
        Obstacles.stacked([ROOF, boxes(((0.0, 0.0, -5.0), (1.0, 1.0, 1.0)))]),
        torch.tensor(((1.0, 1.0, 0.0), (-8.0, 3.0, 0.0))), SLANTED.expand(2, 3), 256)
    point = torch.tensor((0.0, 2.0, 0.0))[None, :, None].expand(2, -1, -1)
    assert both.sunlit(torch.tensor((0, 1)), point).flatten().tolist() == [0, 1]
    assert both.openness(torch.tensor((1, 0)), point + 2).flatten()[0] == 1

# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Images of small worlds: where things appear, and what light, air and sensor do to them."""

from dataclasses import replace

import numpy as np
from plain_world import forward_pose, state_of
import pytest
import torch

from bdc_occ_ros.errors import InvalidRaysError
from bdc_occ_ros.world.ground import Surface
from bdc_occ_ros.world.rendering import cast_depth, render, View
from bdc_occ_ros.world.scene_state import Light
from bdc_occ_ros.world.solids import Material, Shape, Solids

HEIGHT, WIDTH, FOCAL = 64, 96, 80.0
NOON = Light(torch.tensor((0.0, 0.0, 1.0)), torch.ones(3), torch.tensor((0.2, 0.4, 0.8)),
             torch.tensor((0.7, 0.75, 0.8)), 0.0, 0.8, 0.0, 0.0, 0.0, 5)
SUN_BEHIND = torch.tensor((-0.8, 0.0, 0.6))


def things(*rows):
    """Return solids from rows of centre, half sizes, shape, material and albedo."""
    columns = [torch.tensor(column) for column in zip(*rows)]
    none = torch.zeros(len(rows), dtype=torch.int64)
    return Solids(columns[0].float(), columns[1].float(), torch.zeros(len(rows)), columns[2], none,
                  none - 1, columns[3], columns[4].float())


WALL = ((20.0, 0.0, 3.0), (1.0, 30.0, 12.0), Shape.BOX, Material.PLAIN, (0.4, 0.4, 0.4))
FAR_BOX = ((900.0, 0.0, 0.5), (0.5, 0.5, 0.5), Shape.BOX, Material.PLAIN, (0.5, 0.5, 0.5))


def world(*rows, light=NOON):
    """Return a world with an even ground of terrain and these solids."""
    made = state_of(things(*rows))
    plain = torch.full_like(made.ground.surface, int(Surface.GRASS))
    return replace(made, light=light, ground=replace(made.ground, surface=plain))


def view(state, pose=None, height=HEIGHT, width=WIDTH, focal=FOCAL):
    matrix = np.array(((focal, 0, width / 2), (0, focal, height / 2), (0, 0, 1)))
    return View(state, matrix, forward_pose() if pose is None else pose, height, width)


def shown(*rows, light=NOON, **options):
    """Return image, as floats, inverse depth and solid of the only view."""
    made = render([view(world(*rows, light=light))], 'cpu', [3], **options)
    return (made.images[0].float(), made.inverse_depth_per_m[0], made.solid[0])


def test_things_appear_where_they_are():
    ball = ((10.0, 1.0, 2.0), (0.3, 0.3, 0.3), Shape.ELLIPSOID, Material.PAINT, (0.9, 0.05, 0.05))
    image, inverse_depth, solid = shown(ball)
    rows, columns = (solid == 0).nonzero().T
    assert abs(columns.float().mean() + 0.5 - (WIDTH / 2 - FOCAL * 1.0 / 10)) < 0.2
    assert abs(rows.float().mean() + 0.5 - (HEIGHT / 2 - FOCAL * 0.5 / 10)) < 0.2
    assert abs(1 / inverse_depth[solid == 0].max() - 9.7) < 0.01
    red, green, _ = image[solid == 0].mean(0)
    assert red > 2 * green


def test_depth_of_the_ground_is_that_of_a_plane():
    _, inverse_depth, solid = shown(FAR_BOX)
    row = torch.arange(HEIGHT)[:, None] + 0.5
    wanted = ((row - HEIGHT / 2) / FOCAL / 1.5).clamp_min(0).expand(HEIGHT, WIDTH)
    on_ground = solid == -1
    assert on_ground.sum() > 1000
    torch.testing.assert_close(inverse_depth[on_ground], wanted[on_ground], rtol=1e-5, atol=1e-7)
    assert (solid[:HEIGHT // 2 - 1] == -2).all() and (inverse_depth[:HEIGHT // 2 - 1] == 0).all()


def test_depth_without_shading_is_the_same():
    state = world(WALL)
    made, bare = render([view(state)], 'cpu', [0]), cast_depth([view(state)], 'cpu')
    assert torch.equal(made.inverse_depth_per_m, bare.inverse_depth_per_m)
    assert torch.equal(made.solid, bare.solid)


def test_depth_is_exact_within_mixed_precision():
    state = world(WALL)
    wanted = render([view(state)], 'cpu', [0])
    with torch.autocast('cpu', torch.bfloat16):
        made, bare = render([view(state)], 'cpu', [0]), cast_depth([view(state)], 'cpu')
    assert torch.equal(made.inverse_depth_per_m, wanted.inverse_depth_per_m)
    assert torch.equal(bare.inverse_depth_per_m, wanted.inverse_depth_per_m)
    assert torch.equal(made.images, wanted.images)


def test_equal_seeds_give_equal_bytes_and_others_other_noise():
    noisy = replace(NOON, noise=0.02)
    first, again, other = (render([view(world(WALL, light=noisy))], 'cpu', [seed]).images
                           for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert 0.3 < (first != other).float().mean() and (first.int() - other.int()).abs().max() < 60


def test_views_together_are_as_views_alone():
    ball = ((8.0, 0.0, 1.5), (1.0, 1.0, 1.0), Shape.ELLIPSOID, Material.FOLIAGE, (0.2, 0.5, 0.1))
    worlds = [world(WALL), world(ball, FAR_BOX), world(WALL, ball, light=replace(NOON, noise=0.1))]
    views = [view(made, forward_pose(x_m=number)) for number, made in enumerate(worlds)]
    together = render(views, 'cpu', [7, 8, 9])
    for number, alone in enumerate(views):
        wanted = render([alone], 'cpu', [7 + number])
        difference = (together.images[number].int() - wanted.images[0].int()).abs()
        assert difference.max() <= 1 and (difference > 0).float().mean() < 0.01
        assert torch.equal(together.solid[number], wanted.solid[0])


def test_light_and_exposure_brighten():
    bright, dim, dark = (shown(WALL, light=light)[0].mean() for light in (
        replace(NOON, sun_direction=SUN_BEHIND), replace(NOON, exposure=0.4),
        replace(NOON, sun_rgb=torch.zeros(3), exposure=0.1)))
    assert bright > dim + 20 and dim > dark + 20


def test_a_wall_facing_the_sun_is_brighter():
    behind, ahead = (shown(WALL, light=replace(NOON, sun_direction=direction))
                     for direction in (SUN_BEHIND, SUN_BEHIND * torch.tensor((-1.0, 1.0, 1.0))))
    of_wall = behind[2] == 0
    assert behind[0][of_wall].mean() > ahead[0][of_wall].mean() + 40


def test_haze_takes_far_things_to_the_colour_of_the_horizon():
    black = (*WALL[:4], (0.0, 0.0, 0.0))
    clear = shown(black)[0]
    hazy, _, solid = shown(black, light=replace(NOON, haze_per_m=0.05))
    sky_row = shown(FAR_BOX)[0][HEIGHT // 2 - 1]
    assert (hazy[solid == 0].mean() - clear[solid == 0].mean()) > 40
    assert hazy[solid == 0].mean() < sky_row.mean()


def test_noise_is_as_strong_as_asked():
    wall = (*WALL[:3], Material.LAMP, WALL[4])
    quiet, _, solid = shown(wall)
    noisy = shown(wall, light=replace(NOON, noise=0.05))[0]
    added = (noisy - quiet)[solid == 0]
    level = quiet[solid == 0].mean() / 255
    assert abs(added.mean()) < 1
    assert abs(added.std() / (255 * 0.05 * (0.35 + 0.75 * level)) - 1) < 0.1


@pytest.mark.parametrize('material', [
    Material.FACADE, Material.BRICK, Material.CONCRETE, Material.WOOD, Material.FOLIAGE,
    Material.EARTH, Material.STRIPES])
def test_materials_show_a_texture(material):
    plain, _, solid = shown((*WALL[:3], Material.LAMP, WALL[4]))
    seen = shown((*WALL[:3], material, WALL[4]))[0]
    assert plain[solid == 0][:, 0].std() < 0.5 * seen[solid == 0][:, 0].std()
    assert seen[solid == 0][:, 0].std() > 4


def test_patterns_blur_with_distance():
    far = ((900.0, 0.0, 60.0), (1.0, 200.0, 60.0), Shape.BOX, Material.FACADE, (0.6, 0.6, 0.6))
    near = ((20.0, 0.0, 6.0), (1.0, 30.0, 6.0), Shape.BOX, Material.FACADE, (0.6, 0.6, 0.6))
    spreads = [image[solid == 0][:, 0].std() for image, _, solid in (shown(far), shown(near))]
    assert spreads[0] < 0.6 and spreads[1] > 6


def test_clouds_and_sun_are_in_the_sky():
    clear, cloudy = (shown(FAR_BOX, light=replace(NOON, cloudiness=share))[0][:20]
                     for share in (0.0, 0.6))
    assert clear[0, 0, 2] > clear[0, 0, 0] + 15
    assert cloudy.std((0, 1)).mean() > clear.std((0, 1)).mean()
    low_sun = torch.tensor((0.98, 0.0, 0.199))
    at_sun = shown(FAR_BOX, light=replace(NOON, sun_direction=low_sun / low_sun.norm()))[0]
    assert at_sun[int(HEIGHT / 2 - FOCAL * 0.203), WIDTH // 2].min() > 225


def test_wet_ground_mirrors_the_sky():
    states = [world(FAR_BOX, light=replace(NOON, wetness=share)) for share in (0.0, 1.0)]
    roads = [replace(made, ground=replace(made.ground, surface=torch.full_like(
        made.ground.surface, int(Surface.LOT)))) for made in states]
    dry, wet = (render([view(made)], 'cpu', [0]).images[0].float() for made in roads)
    assert wet[HEIGHT // 2 + 2].mean() > dry[HEIGHT // 2 + 2].mean() + 5
    assert wet[-1].mean() < dry[-1].mean() - 5


def test_views_of_several_sizes_are_refused():
    state = world(WALL)
    with pytest.raises(InvalidRaysError, match='one size'):
        cast_depth([view(state), view(state, height=HEIGHT + 1)], 'cpu')


def test_a_world_may_be_empty():
    full = world(WALL)
    bare = replace(full, solids=full.solids.select(torch.zeros(0, dtype=torch.int64)))
    made = render([view(bare), view(full)], 'cpu', [0, 0])
    assert set(made.solid[0].unique().tolist()) == {-2, -1}
    assert torch.equal(render([view(bare)], 'cpu', [0]).solid[0], made.solid[0])

# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The ground: what lies where on the plan lies there in the world, alone or stacked."""

import numpy as np
import pytest
import torch

from bdc_occ_ros.world.ground import GroundPlan, Mark, sample_ground, stack_plans, Surface
from bdc_occ_ros.world.ground_map import draw_roads, ground_plan, GroundMap
from bdc_occ_ros.world.road_network import ALONG_V, road_network, RoadNetwork
from bdc_occ_ros.world.scene import Scene
from bdc_occ_ros.world.scene_rng import SceneRng
from bdc_occ_ros.world.variety import Variety

DRIVEABLE, OTHER_FLAT, SIDEWALK, TERRAIN = 11, 12, 13, 14
WHITE = (0.72, 0.72, 0.70)


def small_plan(bend: float = 0.0) -> GroundPlan:
    """Return grass with a road along x for v from -4 to 4 and a line at v = 2."""
    surface = np.full((80, 200), Surface.GRASS, np.uint8)
    surface[32:48] = Surface.ROAD_X
    surface[60:] = Surface.PLAZA
    marks_across_v = np.zeros(400, np.uint8)
    marks_across_v[220] = Mark.WHITE
    marks_across_v[180] = Mark.WHITE_DASHES
    marks_across_v[350] = Mark.WHITE
    terms = np.zeros((2, 1, 3))
    terms[0] = bend, 0.05, 0.3
    palette = np.arange(3 * len(Surface)).reshape(-1, 3) / 100
    return GroundPlan(
        torch.from_numpy(terms).float(), torch.tensor([-50.0, -20.0]), torch.from_numpy(surface),
        torch.from_numpy(marks_across_v), torch.zeros(1000, dtype=torch.uint8),
        torch.from_numpy(palette).float())


def sample(plan: GroundPlan, points: list[tuple[float, float]]) -> tuple[list[int], torch.Tensor]:
    found = sample_ground(stack_plans([plan]), torch.zeros(1, dtype=torch.long),
                          torch.tensor([points], dtype=torch.float32))
    return found.label[0].tolist(), found.albedo[0]


def test_surfaces_lie_where_they_are_drawn():
    labels, albedo = sample(small_plan(), [(0, 0), (3, 3.9), (3, 4.1), (9, 10.1), (9, 9.9)])
    assert labels == [DRIVEABLE, DRIVEABLE, TERRAIN, OTHER_FLAT, TERRAIN]
    assert torch.allclose(albedo[2], torch.tensor([0.27, 0.28, 0.29]))


def test_beyond_the_map_its_edge_goes_on():
    labels, _ = sample(small_plan(), [(500, 0), (-500, 0), (0, 300), (0, -300)])
    assert labels == [DRIVEABLE, DRIVEABLE, OTHER_FLAT, TERRAIN]


def test_lines_are_sharp_and_only_on_their_roads():
    points = [(0, 2.05), (0, 1.95), (0, 2.15), (1, -1.95), (5, -1.95), (10, -1.95),
              (0, 15.05)]
    labels, albedo = sample(small_plan(), points)
    is_white = torch.isclose(albedo, torch.tensor(WHITE)).all(1).tolist()
    assert is_white == [True, False, False, True, False, True, False]
    assert labels == [DRIVEABLE] * 6 + [OTHER_FLAT]


def test_bays_curbs_and_roads_across_have_their_own_paint():
    plan = small_plan()
    plan.surface[50:54] = Surface.BAYS_X  # v from 5 to 7
    plan.surface[:, 140:144] = Surface.ROAD_Y  # u from 20 to 22
    plan.surface[:, 160] = Surface.SIDEWALK
    plan.marks_across_u[710] = Mark.YELLOW_DASHES
    plan.marks_across_u[800] = Mark.CURB
    points = [(5.05, 6.0), (5.2, 6.0), (-2.45, 6.0), (21.05, -8.0), (21.05, -2.0), (30.05, 0.0),
              (30.15, 0.0)]
    _, albedo = sample(plan, points)
    own = [plan.palette[surface].tolist() for surface in (
        Surface.BAYS_X, Surface.ROAD_Y, Surface.SIDEWALK)]
    wanted = [WHITE, own[0], WHITE, (0.65, 0.45, 0.08), own[1], (0.52, 0.51, 0.49), own[2]]
    assert torch.allclose(albedo, torch.tensor(wanted))


def test_curves_bend_the_road():
    shift_m = 6 * np.sin(0.05 * 20 + 0.3)
    labels, _ = sample(small_plan(6.0), [(20, shift_m), (20, shift_m + 3.9), (20, shift_m + 4.1),
                                         (20, shift_m - 4.1)])
    assert labels == [DRIVEABLE, DRIVEABLE, TERRAIN, TERRAIN]


def test_stacked_plans_give_what_each_gives_alone():
    plans = [Scene.from_seed(seed).ground for seed in (3, 4)]
    points = torch.from_numpy(np.random.default_rng(0).uniform(-80, 80, (3, 400, 2))).float()
    index = torch.tensor([1, 0, 1])
    together = sample_ground(stack_plans(plans), index, points)
    for row, plan in enumerate(index.tolist()):
        alone = sample_ground(stack_plans([plans[plan]]), torch.zeros(1, dtype=torch.long),
                              points[row:row + 1])
        assert torch.equal(together.label[row], alone.label[0])
        assert torch.equal(together.albedo[row], alone.albedo[0])


def roads_alone(seed: int) -> tuple[RoadNetwork, GroundPlan]:
    network = road_network(SceneRng(f'roads {seed}'))
    ground = GroundMap(Surface.WATER)
    draw_roads(ground, network, SceneRng('medians'))
    return network, ground_plan(ground, network, SceneRng('palette'), Variety())


@pytest.mark.parametrize('seed', range(6))
def test_roads_sidewalks_and_junctions_of_a_scene(seed):
    network, plan = roads_alone(seed)
    main, cross = network.main, network.along(ALONG_V)[1]
    beside_m = cross.centre_m + cross.half_m + 12.3
    walk_m = main.half_m - main.sidewalk_m / 2
    inner_m, outer_m = main.median_m / 2 + 0.1, main.half_m + 0.4
    places = [(u, sign * v, label) for sign in (-1, 1) for u, v, label in (
        (beside_m, inner_m, DRIVEABLE), (beside_m, main.half_roadway_m - 0.1, DRIVEABLE),
        (beside_m, walk_m, SIDEWALK), (beside_m, outer_m, OTHER_FLAT),
        (cross.centre_m, 0.3, DRIVEABLE), (cross.centre_m + 0.4, walk_m, DRIVEABLE),
        (cross.centre_m + cross.half_m - 0.3, walk_m, SIDEWALK))]
    labels, _ = sample(plan, [network.points(u, v) for u, v, _ in places])
    wanted = [label for *_, label in places]
    if cross.median_m:
        labels[5::7] = wanted[5::7]
    assert labels == wanted


def test_roads_are_as_wide_on_the_ground_as_on_the_plan():
    network, plan = roads_alone(2)
    main = network.main
    u_m = network.along(ALONG_V)[1].centre_m + 30.2
    across_m = np.arange(-main.half_m, main.half_m, 0.02)
    labels, albedo = sample(plan, [network.points(u_m, v_m) for v_m in across_m])
    road = across_m[np.array(labels) == DRIVEABLE]
    assert abs(road.max() - main.half_roadway_m) < 0.05
    assert abs(road.min() + main.half_roadway_m) < 0.05
    yellow = across_m[(albedo[:, 0] > 0.6).numpy() & (albedo[:, 2] < 0.1).numpy()]
    assert np.ptp(yellow) == pytest.approx(main.median_m + 0.55, abs=0.12)


def test_every_kind_of_ground_occurs():
    labels = set()
    points = torch.from_numpy(np.random.default_rng(1).uniform(-60, 60, (1, 4000, 2))).float()
    for seed in range(10):
        plans = stack_plans([Scene.from_seed(seed).ground])
        labels |= set(sample_ground(plans, torch.zeros(1, dtype=torch.long), points)
                      .label.unique().tolist())
    assert labels == {DRIVEABLE, OTHER_FLAT, SIDEWALK, TERRAIN}

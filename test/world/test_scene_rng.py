# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Draws: the same from the same name, and distributed as they say."""

import numpy as np
import pytest

from bdc_occ_ros.world.scene_rng import SceneRng

COUNT = 20_000


def test_a_name_gives_the_same_draws_again():
    first, again, other = SceneRng('a'), SceneRng('a'), SceneRng('b')
    draws = [rng.uniform(0, 1) for rng in (first, again, other)]
    assert draws[0] == draws[1] != draws[2]
    assert draws[0] == pytest.approx(0.2720295, abs=1e-6), 'worlds must not change with Python'


def test_means_are_those_asked_for():
    rng = SceneRng('means')
    assert np.mean([rng.uniform(2, 6) for _ in range(COUNT)]) == pytest.approx(4, rel=0.02)
    assert np.mean([rng.exponential(3) for _ in range(COUNT)]) == pytest.approx(3, rel=0.03)
    assert np.mean([rng.poisson(2.5) for _ in range(COUNT)]) == pytest.approx(2.5, rel=0.03)
    normal = [rng.normal(5, 2, -100, 100) for _ in range(COUNT)]
    assert np.mean(normal) == pytest.approx(5, rel=0.02)
    assert np.std(normal) == pytest.approx(2, rel=0.03)
    assert {rng.integers(3, 6) for _ in range(100)} == {3, 4, 5}


def test_bounds_hold():
    rng = SceneRng('bounds')
    assert all(4 <= rng.normal(5, 10, 4, 6) <= 6 for _ in range(1000))
    assert all(0.4 <= value <= 0.6 for value in rng.tint((0.5,) * 1000, 0.2))
    assert max(rng.tint((0.9,) * 100, 0.5)) <= 0.9


def test_weights_decide_how_often_things_come():
    rng = SceneRng('weights')
    draws = [rng.weighted('abc', (1, 0, 3)) for _ in range(COUNT)]
    assert draws.count('b') == 0
    assert draws.count('c') / COUNT == pytest.approx(0.75, rel=0.03)
    assert {rng.choice('xyz') for _ in range(100)} == set('xyz')

# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Weather: sound numbers, and a great variety of them."""

import numpy as np
import torch

from bdc_occ_ros.world.chance import Chance
from bdc_occ_ros.world.weather import light

LIGHTS = [light(Chance(f'light {seed}'), seed) for seed in range(200)]


def test_the_sun_is_up_and_colours_are_light():
    for item in LIGHTS:
        assert torch.isclose(item.sun_direction.norm(), torch.tensor(1.0))
        assert item.sun_direction[2] > 0.08
        for rgb in (item.sun_rgb, item.sky_rgb, item.horizon_rgb):
            assert rgb.shape == (3,) and rgb.min() >= 0 and rgb.max() <= 1.2
        assert 0 <= item.cloudiness <= 1 and 0 <= item.wetness <= 1
        assert 0 < item.noise < 0.05 and 0.5 < item.exposure < 6 and 0 < item.haze_per_m < 0.01


def test_weather_and_time_of_day_vary():
    sun = np.array([item.sun_rgb.max() for item in LIGHTS])
    elevation = np.array([item.sun_direction[2] for item in LIGHTS])
    assert (sun < 0.15).mean() > 0.15, 'overcast'
    assert (sun > 0.8).mean() > 0.2, 'clear'
    assert (elevation < 0.35).mean() > 0.1 and (elevation > 0.7).mean() > 0.1
    assert 0.05 < np.mean([item.wetness > 0 for item in LIGHTS]) < 0.5
    assert np.mean([item.sky_rgb.max() < 0.25 for item in LIGHTS]) > 0.03, 'dusk'
    azimuth = [np.arctan2(*item.sun_direction[:2].numpy()) for item in LIGHTS]
    assert np.ptp(azimuth) > 5


def test_no_sun_shines_through_an_overcast_sky():
    for item in LIGHTS:
        if item.cloudiness == 1:
            assert item.sun_rgb.max() < 0.1

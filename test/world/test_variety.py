# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Varied worlds: other cameras, colours and paint, and the same truth about every voxel."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from bdc_occ_ros.geometry.frustum import DepthConfig, Frustum, ImageConfig
from bdc_occ_ros.world.ground import Mark
from bdc_occ_ros.world.scene import Scene
from bdc_occ_ros.world.sensor_timing import published_rigs
from bdc_occ_ros.world.variety import varied_rig, Variety
from bdc_occ_ros.world.world_source import WorldSource

IMAGE = ImageConfig(64, 176)
FRUSTUM = Frustum(IMAGE, 8, DepthConfig(1.0, 45.0, 1.0))
CPU = torch.device('cpu')


def source(seeds, **varied):
    return WorldSource(seeds, FRUSTUM, published_rigs(), 1, variety=Variety(**varied))


def test_varied_rigs_fill_the_ranges_that_vehicles_have():
    rigs, images = zip(*(varied_rig(seed, ImageConfig(128, 352)) for seed in range(300)))
    cameras = [camera for rig in rigs for camera in rig.cameras]
    heights_m = np.array([camera.ego_from_camera[2, 3] for camera in cameras])
    views_deg = np.degrees([2 * np.arctan(camera.width_px / 2 / camera.intrinsics[0, 0])
                            for camera in cameras])
    assert {len(rig.cameras) for rig in rigs} == set(range(3, 9))
    assert heights_m.min() < 0.6 and heights_m.max() > 2.4
    assert views_deg.min() < 45 and views_deg.max() > 115
    rows = {image.height_px for image in images}
    assert min(rows) <= 128 and max(rows) == 256 and not {row % 16 for row in rows} - {0}
    assert all(camera.ego_from_camera[:3, 2] @ (1, 0, 0) > 0.9
               for camera in (rig.cameras[0] for rig in rigs))  # the first looks ahead


def test_one_scene_in_four_keeps_a_given_rig():
    rigs = [source([seed], rigs=True).timing(0).rig.fingerprint for seed in range(8)]
    published = {rig.fingerprint for rig in published_rigs()}
    assert [rig in published for rig in rigs] == [True, False, False, False] * 2


@pytest.mark.parametrize('varied', ('colors', 'markings'))
def test_looks_change_and_the_truth_does_not(varied):
    seeds = [0, 4, 7]  # without paint, without kerbs and without paint
    plain, other = (source(seeds, **kinds).load([0, 1, 2], CPU)
                    for kinds in ({}, {varied: True}))
    assert not torch.equal(plain.images, other.images)
    for name in ('semantics', 'observed', 'depths_m', 'key_ego_from_camera'):
        assert torch.equal(getattr(plain, name), getattr(other, name)), name


def test_streets_without_paint_have_no_marks_but_kerbs():
    grounds = [Scene.from_seed(seed, Variety(markings=True)).ground for seed in range(12)]
    marks = [set(ground.marks_across_v.unique().tolist()) for ground in grounds]
    assert any(row <= {Mark.NONE, Mark.CURB} for row in marks)
    assert any(Mark.CURB not in row for row in marks)
    assert any(Mark.YELLOW in row for row in marks)


def test_rows_of_pixels_follow_the_rig():
    samples = [source([seed], rigs=True).load([0], CPU) for seed in (1, 2, 3, 5)]
    assert len({sample.images.shape[2] for sample in samples}) > 1
    for seed, sample in zip((1, 2, 3, 5), samples):
        rig, image = varied_rig(seed, IMAGE)
        assert image == replace(IMAGE, height_px=sample.images.shape[2])
        assert sample.images.shape[1] == len(rig.cameras)
        assert sample.depths_m.shape[2:] == (image.height_px // 8, 22)

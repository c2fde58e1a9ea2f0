# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Measure how many keyframes a minute the world gives, and what each costs."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from statistics import mean
import time
from typing import TypeVar

import numpy as np
import torch

from bdc_occ_ros.geometry.camera_rig import CameraRig
from bdc_occ_ros.geometry.frustum import ImageConfig
from bdc_occ_ros.geometry.preprocessing import input_from_image
from bdc_occ_ros.world.keyframes import KeyframeBatch
from bdc_occ_ros.world.lidar import lidar_observed, simulate_sweep
from bdc_occ_ros.world.scene import Scene
from bdc_occ_ros.world.sensor_timing import SensorTiming
from bdc_occ_ros.world.world_source import KEYFRAME_PERIOD_S

Result = TypeVar('Result')
ROUNDS = 2
START_S = 2.0
MOST_AT_ONCE = 36  # until the end of the drive


@dataclass
class Costs:
    """
    Hold mean times of several scenes, or least times of one.

    :param seconds: By part, seconds per keyframe: of the processor on a CPU, of the clock with a
        GPU. The share of a scene assumes 40 keyframes of it.
    """

    seconds: dict[str, float] = field(default_factory=dict)

    @property
    def streamed_per_minute(self) -> float:
        """Return keyframes per minute with what training takes: images, label and boxes."""
        return 60 / sum(self.seconds[part] for part in ('scene', 'world', 'images', 'label'))

    @property
    def with_lidar_per_minute(self) -> float:
        """Return keyframes per minute with a LiDAR sweep as well; files are not written."""
        return 60 / sum(self.seconds.values())

    def timed(self, part: str, keyframes: int, device: torch.device, work: Callable[[], Result]
              ) -> Result:
        """Run some work and keep its least time per keyframe."""
        clock = time.process_time if device.type == 'cpu' else time.perf_counter
        begin = clock()
        result = work()
        if device.type == 'cuda':
            torch.cuda.synchronize(device)
        taken = (clock() - begin) / keyframes
        self.seconds[part] = min(taken, self.seconds.get(part, taken))
        return result


def keyframe_costs(seeds: Sequence[int], rigs: Sequence[CameraRig], size_px: tuple[int, int],
                   batch: int, device: torch.device) -> Costs:
    """
    Measure keyframes of some scenes, every one several times: the quickest time is undisturbed.

    :param seeds: Scenes, over which the mean is taken.
    :param rigs: Vehicles, which take turns.
    :param size_px: Width and height of the images; of lower ones the upper rows are missing.
    :param batch: Keyframes at once.
    """
    scenes = [_scene_costs(seed, rigs[seed % len(rigs)], size_px, batch, device)
              for seed in seeds]
    return Costs({part: mean(costs.seconds[part] for costs in scenes)
                  for part in scenes[0].seconds})


def _scene_costs(seed: int, rig: CameraRig, size_px: tuple[int, int], batch: int,
                 device: torch.device) -> Costs:
    costs = Costs()
    for _ in range(ROUNDS):
        scene = costs.timed('scene', 40, device, lambda: Scene.from_seed(seed))
        _measure(costs, [SensorTiming(scene, rig, START_S + step * KEYFRAME_PERIOD_S)
                         for step in range(batch)], size_px, device)
    return costs


def _measure(costs: Costs, timings: list[SensorTiming], size_px: tuple[int, int],
             device: torch.device) -> None:
    width, height = size_px
    image, count = ImageConfig(height, width), len(timings)
    intrinsics = np.stack([[input_from_image(camera, image) @ camera.intrinsics
                            for camera in timing.rig.cameras] for timing in timings])
    batch = costs.timed('world', count, device, lambda: KeyframeBatch.of(timings, device))
    costs.timed('images', count, device, lambda: batch.images(
        intrinsics, (height, width), range(count * intrinsics.shape[1])))
    poses = np.stack([timing.world_from_lidar_ego for timing in timings])
    truth = costs.timed('label', count, device, lambda: batch.truth(poses))
    costs.timed('LiDAR', count, device, lambda: [
        lidar_observed(classes, simulate_sweep(timing, state, 0))
        for timing, state, classes in zip(timings, batch.states, truth.classes)])

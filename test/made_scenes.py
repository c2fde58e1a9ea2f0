# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A vehicle on a straight line, a car ahead of it and a cone, as samples of a data set."""

import cv2
import numpy as np

from bdc_occ_ros.dataset.dataroot import assemble_dataroot
from bdc_occ_ros.dataset.occ3d_label import label_path, Occ3dLabel, save_label, SHAPE
from bdc_occ_ros.dataset.scene_writer import (
    Annotation,
    SampleRecord,
    SceneDescription,
    SceneWriter,
    SensorReading,
)
from bdc_occ_ros.sync.synthetic_triggers import NUSCENES_OFFSETS_NS, nuscenes_triggers_ns, START_NS

VERSION = 'v1.0-made'
START_US = 1_600_000_000_000_000
PERIOD_US = 500_000
NUM_SAMPLES = 4
SPEED_MPS = 8.0
TRIGGERS_PER_SAMPLE = 6
SWEEP_PERIOD_US = 50_000
SWEEPS_PER_SAMPLE = 10
SWEEP_AFTER_TRIGGER_US = 43_100
DARKEST, BRIGHTER = 10, 6
CAR_SPEED_MPS = 3.0


def pose(x=0.0, y=0.0, z=0.0, yaw=0.0):
    result = np.eye(4)
    result[:2, :2] = [[np.cos(yaw), -np.sin(yaw)], [np.sin(yaw), np.cos(yaw)]]
    result[:3, 3] = x, y, z
    return result


def world_from_ego(stamp_us):
    """Drive on a line that is turned against the axes of the world."""
    return pose(100.0, 50.0, 0.0, 0.6) @ pose((stamp_us - START_US) * 1e-6 * SPEED_MPS)


def world_from_car(stamp_us):
    """Return the pose of a car ahead, which drives as well."""
    seconds = (stamp_us - START_US) * 1e-6
    return pose(100.0, 50.0, 0.0, 0.6) @ pose(20.0 + CAR_SPEED_MPS * seconds, -3.0, 0.8, 0.1)


def made_sample(rig, number):
    """Return a sample with small images as bright as its number, a sweep, and two objects."""
    stamp_us = START_US + number * PERIOD_US
    images = {}
    for place, name in enumerate(rig.names):
        image_us = stamp_us - 43_000 + 7_000 * place
        pixels = np.full((rig[name].height_px, rig[name].width_px, 3), 20 * number + 5, np.uint8)
        images[name] = SensorReading(image_us, cv2.imencode('.jpg', pixels)[1].tobytes(),
                                     world_from_ego(image_us))
    points = np.zeros((3, 5), np.float32)
    points[:, :3] = [[1, 2, 3], [4, 5, 6], [number, 0, 0]]
    car = Annotation('car 1', 'car', world_from_car(stamp_us), (4.0, 1.8, 1.5), CAR_SPEED_MPS, 9)
    cone = Annotation('cone', 'traffic_cone', pose(110.0, 52.0, 0.4), (0.4, 0.4, 0.8), 0.0, 2, 3)
    return SampleRecord(stamp_us, images, SensorReading(stamp_us, points,
                                                        world_from_ego(stamp_us)), [car, cone])


def write_dataroot(dataroot, rig):
    """Write two scenes, in which a car and a ground are labelled."""
    for name in ('scene-0001', 'scene-0002'):
        writer = SceneWriter(dataroot, VERSION, SceneDescription(
            name, 'made up', rig, pose(0.9, 0.0, 1.8, -np.pi / 2), 'made', 'nowhere'))
        for number in range(NUM_SAMPLES):
            key = writer.write_sample(made_sample(rig, number))
            label = Occ3dLabel(np.full(SHAPE, 17, np.uint8), np.zeros(SHAPE, bool),
                               np.ones(SHAPE, bool))
            label.semantics[:, :, 2] = 11
            label.semantics[100 + number, 7, 3] = 4
            save_label(label_path(dataroot, name, key), label)
        writer.close()
    assemble_dataroot(dataroot, VERSION, {'learn': ['scene-0001'], 'check': ['scene-0002']})


def brightness(trigger):
    """Return how bright the images of a trigger are, so that it can be told from them."""
    return DARKEST + BRIGHTER * trigger


def write_swept_scene(dataroot, rig, num_samples):
    """Write a scene with all images and sweeps between its samples, at the times of nuScenes."""
    writer = SceneWriter(dataroot, VERSION, SceneDescription(
        'scene-0103', 'swept', rig, pose(0.9, 0.0, 1.8, -np.pi / 2), 'made', 'nowhere'))
    triggers_us = [START_US + (stamp_ns - START_NS) // 1000
                   for stamp_ns in nuscenes_triggers_ns(num_samples * 0.5)]
    for number in range(num_samples):
        first = number * TRIGGERS_PER_SAMPLE
        images, *others = (trigger_images(rig, trigger, triggers_us[trigger])
                           for trigger in range(first, first + TRIGGERS_PER_SAMPLE))
        scan, *scans = (lidar_sweep(triggers_us[first] + SWEEP_AFTER_TRIGGER_US
                                    + place * SWEEP_PERIOD_US)
                        for place in range(SWEEPS_PER_SAMPLE))
        car = Annotation('car 1', 'car', world_from_ego(scan.stamp_us) @ pose(9.0), (4, 2, 1.5),
                         SPEED_MPS, 9)
        writer.write_sample(SampleRecord(
            scan.stamp_us, images, scan, [car],
            [*((name, reading) for other in others for name, reading in other.items()),
             *(('LIDAR_TOP', sweep) for sweep in scans)]))
    writer.close()
    assemble_dataroot(dataroot, VERSION, {})


def trigger_images(rig, trigger, trigger_us):
    """Return the images of one trigger, each at the time of its own exposure."""
    pixels = np.full((rig.cameras[0].height_px, rig.cameras[0].width_px, 3), brightness(trigger),
                     np.uint8)
    data = cv2.imencode('.jpg', pixels)[1].tobytes()
    stamps_us = {name: trigger_us + NUSCENES_OFFSETS_NS[name] // 1000 for name in rig.names}
    return {name: SensorReading(stamp_us, data, world_from_ego(stamp_us))
            for name, stamp_us in stamps_us.items()}


def lidar_sweep(stamp_us):
    """Return a sweep whose points tell its time."""
    points = np.arange(20, dtype=np.float32).reshape(4, 5) + (stamp_us - START_US) % 1000
    return SensorReading(stamp_us, points, world_from_ego(stamp_us))

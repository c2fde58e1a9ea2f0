# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Write a scene of a nuScenes data set as a bag, its images byte for byte."""

from pathlib import Path

import numpy as np
from tqdm import tqdm

from bdc_occ_ros.bags.formats import ConverterFormat
from bdc_occ_ros.bags.rig_bag import BagSummary, RecordedReading, RigBagWriter
from bdc_occ_ros.bags.truth_file import Truth
from bdc_occ_ros.dataset.nuscenes_dataset import NuscenesDataset, SampleKey
from bdc_occ_ros.dataset.scene_readings import read_scene, Reading, TriggerReadings
from bdc_occ_ros.dataset.taxonomy import LIDAR


def write_dataroot_bag(path: str | Path, dataset: NuscenesDataset, scene_name: str, *,
                       calibration: str = 'tf', converter: ConverterFormat | None = None,
                       show_progress: bool = False) -> BagSummary:
    """
    Write keyframes and sweeps with calibration and poses; the truth of samples lies beside them.

    :param calibration: As for RigBagWriter.
    :param converter: Converter to imitate, LiDAR sweeps included if it writes them.
    :param show_progress: Whether to draw a progress bar on standard error.
    :raises UsageError: if the folder exists already.
    :raises InvalidDatasetError: if there is no such scene, or a file of it is missing.
    """
    scene = read_scene(dataset, scene_name)
    has_lidar = converter is not None and converter.lidar_topic is not None
    parts = sorted([*scene.sets, *(scene.sweeps if has_lidar else ())], key=_start_ns)

    def recorded(reading: Reading) -> RecordedReading:
        read = (dataset.rows.lidar_points if reading.channel == LIDAR else dataset.rows.bytes_of)
        return RecordedReading(reading.channel, reading.stamp_ns, read(reading.row),
                               reading.world_from_ego)

    with RigBagWriter(path, scene.rig, _start_ns(scene.sets[0]), calibration=calibration,
                      converter=converter, ego_from_lidar=scene.ego_from_lidar) as bag:
        for part in tqdm(parts, scene_name, disable=not show_progress):
            if isinstance(part, Reading):
                bag.write_sweep(recorded(part))
                continue
            scan = recorded(part.scan) if has_lidar and part.scan else None
            bag.write_set([*map(recorded, part.images)], part.key is not None, scan)
        bag.truths += [_truth(dataset, part.key) for part in scene.sets if part.key is not None]
    return bag.summary


def _start_ns(part: TriggerReadings | Reading) -> int:
    return part.stamp_ns if isinstance(part, Reading) else part.images[0].stamp_ns


def _truth(dataset: NuscenesDataset, key: SampleKey) -> Truth:
    """Return boxes, and the grid where there are labels, as of the key camera's exposure."""
    boxes = dataset.boxes(key)
    occupancy = dataset.occupancy(key, boxes.stamp_ns)
    return Truth(boxes.stamp_ns, occupancy and occupancy.resampled(
        np.linalg.inv(dataset.key_ego_from_label_ego(key))), boxes)

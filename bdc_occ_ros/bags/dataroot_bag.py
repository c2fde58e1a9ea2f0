# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Writes a scene of a nuScenes data set as a bag, its images byte for byte."""

from pathlib import Path

import numpy as np
from tqdm import tqdm

from bdc_occ_ros.bags import TRUTH_FILE
from bdc_occ_ros.bags.flavours import Flavour
from bdc_occ_ros.bags.open_bag import open_bag
from bdc_occ_ros.bags.recorded_image import RecordedImage
from bdc_occ_ros.bags.recorded_scan import RecordedScan
from bdc_occ_ros.bags.rig_bag_writer import BagSummary
from bdc_occ_ros.bags.truth_file import save_truth, Truth
from bdc_occ_ros.classes import FREE_LABEL, OCCUPANCY_CLASS_NAMES
from bdc_occ_ros.dataset.nuscenes_dataset import NuscenesDataset, SampleKey
from bdc_occ_ros.dataset.occ3d_label import label_path
from bdc_occ_ros.dataset.scene_readings import ImageSet, read_scene, Reading
from bdc_occ_ros.datatypes import Occupancy
from bdc_occ_ros.geometry.voxel_grid import VoxelGrid


def write_dataroot_bag(path: str | Path, dataset: NuscenesDataset, scene_name: str, *,
                       calibration: str = 'tf', flavour: Flavour | None = None,
                       show_progress: bool = False) -> BagSummary:
    """
    Write keyframes and sweeps with calibration and poses; the truth of samples lies beside them.

    :param calibration: 'tf' or 'file', see RigBagWriter.
    :param flavour: Write as this converter does instead, LiDAR sweeps included if it writes them.
    :param show_progress: Whether to draw a progress bar on standard error.
    :raises UsageError: if the folder exists already.
    :raises InvalidDatasetError: if there is no such scene, or a file of it is missing.
    """
    scene = read_scene(dataset, scene_name)
    has_lidar = flavour is not None and flavour.lidar_topic is not None
    first_ns, last_ns = (scene.sets[place].images[place].stamp_ns for place in (0, -1))
    parts = sorted([*scene.sets, *(scene.sweeps if has_lidar else ())], key=_start_ns)
    with open_bag(path, scene.rig, first_ns, calibration, flavour, scene.ego_from_lidar) as bag:
        for part in tqdm(parts, scene_name, disable=not show_progress):
            if isinstance(part, Reading):
                bag.write_sweep(_scan(dataset, part))
                continue
            scan = part.scan if has_lidar else None
            bag.write_set([_image(dataset, image) for image in part.images], part.key is not None,
                          scan and _scan(dataset, scan))
        num_sets = bag.num_sets
    truths = [_truth(dataset, part.key) for part in scene.sets if part.key is not None]
    save_truth(truths, Path(path) / TRUTH_FILE)
    return BagSummary(str(path), num_sets, bag.num_images, len(truths), (last_ns - first_ns) / 1e9)


def _start_ns(part: ImageSet | Reading) -> int:
    """Return when the first reading of a part was taken."""
    return part.stamp_ns if isinstance(part, Reading) else part.images[0].stamp_ns


def _image(dataset: NuscenesDataset, reading: Reading) -> RecordedImage:
    return RecordedImage(reading.channel, reading.stamp_ns, dataset.rows.bytes_of(reading.row),
                         reading.world_from_ego)


def _scan(dataset: NuscenesDataset, reading: Reading) -> RecordedScan:
    return RecordedScan(reading.stamp_ns, dataset.rows.lidar_points(reading.row),
                        reading.world_from_ego)


def _truth(dataset: NuscenesDataset, key: SampleKey) -> Truth:
    """Return boxes, and the grid where there are labels, as of the key camera's exposure."""
    boxes, occupancy = dataset.boxes(key), None
    if label_path(dataset.dataroot, key.scene_name, key.token).is_file():
        label = dataset.label(key)
        occupancy = Occupancy(
            VoxelGrid(), label.semantics, label.mask_camera, OCCUPANCY_CLASS_NAMES, FREE_LABEL,
            boxes.stamp_ns).resampled(np.linalg.inv(dataset.key_ego_from_label_ego(key)))
    return Truth(boxes.stamp_ns, occupancy, boxes)

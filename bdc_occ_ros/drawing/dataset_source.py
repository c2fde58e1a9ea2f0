# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Finds a sample of a data set and what a sheet shows of it."""

from pathlib import Path

from bdc_occ_ros.classes import FREE_LABEL, OCCUPANCY_CLASS_NAMES
from bdc_occ_ros.dataset.nuscenes_dataset import NuscenesDataset, SampleKey
from bdc_occ_ros.dataset.occ3d_label import label_path
from bdc_occ_ros.dataset.scene_records import LIDAR
from bdc_occ_ros.datatypes import Occupancy
from bdc_occ_ros.drawing.sheet import Column, Overlay
from bdc_occ_ros.drawing.sources import nearest, Source
from bdc_occ_ros.errors import UsageError
from bdc_occ_ros.geometry.voxel_grid import VoxelGrid


def versions_in(folder: Path) -> list[str]:
    """
    Return the versions of a data set.

    :param folder: Perhaps the folder of a data set; of anything else there are none.
    """
    return sorted(path.parent.name for path in folder.glob('*/sample.json'))


def choose_sample(dataset: NuscenesDataset, token: str | None, scene: str | None,
                  at_s: float | None) -> SampleKey:
    """
    Return one sample.

    :param token: Its key, or the beginning of it; None to go by scene and time.
    :param scene: Name of its scene; the first if None.
    :param at_s: Seconds after the first sample of the scene; the middle if None.
    :raises UsageError: if there is no such sample, or more than one.
    """
    if token is not None:
        keys = [key for key in dataset.keys if key.token.startswith(token)]
        if len(keys) != 1:
            raise UsageError(f'{dataset.dataroot}: {len(keys)} samples have a token that begins '
                             f'with {token!r}; one is needed')
        return keys[0]
    keys = [key for key in dataset.keys if key.scene_name == (scene or dataset.keys[0].scene_name)]
    if not keys:
        names = sorted({key.scene_name for key in dataset.keys})
        raise UsageError(f'{dataset.dataroot}: no scene {scene!r}; there are {names[:5]}')
    by_stamp = {dataset.key_exposure(key)[0]: key for key in keys}
    return by_stamp[nearest(list(by_stamp), at_s)]


def source_of_sample(dataset: NuscenesDataset, key: SampleKey) -> Source:
    """
    Return what a data set knows about a sample; everything in the ego frame of its label.

    :raises InvalidDatasetError: if an image is missing or damaged.
    :raises InvalidLabelError: if its label is damaged.
    """
    frame, boxes = dataset.frame(key), dataset.boxes(key, LIDAR)
    title = f'{key.scene_name}, sample {key.token}'
    occupancy, caption = None, 'boxes; nobody labelled the cells'
    if label_path(dataset.dataroot, key.scene_name, key.token).is_file():
        label = dataset.label(key)
        occupancy = Occupancy(VoxelGrid(), label.semantics, label.mask_camera,
                              OCCUPANCY_CLASS_NAMES, FREE_LABEL, frame.stamp_ns)
        caption = (f'label: {int(occupancy.occupied.sum())} occupied cells that a camera '
                   f'observes, {len(boxes)} boxes')
    overlay = Overlay(boxes, occupancy, dataset.world_from_ego(key, LIDAR))
    return Source(title, frame.stamp_ns, frame, (Column(caption, occupancy, boxes),), overlay)

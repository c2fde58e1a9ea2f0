# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Checks that the files of samples are there, and hold what the tables say."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from bdc_occ_ros.dataset.check.issues import Finding, UNPACK_AGAIN
from bdc_occ_ros.dataset.nuscenes_dataset import CAMERAS, NuscenesDataset, SampleKey
from bdc_occ_ros.dataset.occ3d_label import label_path
from bdc_occ_ros.dataset.scene_records import LIDAR
from bdc_occ_ros.datatypes import Frame
from bdc_occ_ros.errors import BdcOccError

CHANNELS = (*CAMERAS, LIDAR)
JPEG_END = b'\xff\xd9'
TAIL_BYTES = 1024
UNPACK_LABELS = ('unpack gts.tar.gz of Occ3D-nuScenes into the folder of the data set; without '
                 'labels only boxes can be trained')


def check_files(dataset: NuscenesDataset) -> Iterator[Finding]:
    """
    Look for samples without one of their readings, and for files that are missing or cut.

    :param dataset: All samples of it are looked at, none is opened.
    """
    labels = dataset.dataroot / 'gts'
    has_labels = labels.is_dir()
    if not has_labels:
        yield Finding('labels', str(labels), 'is missing', UNPACK_LABELS)
    for key in dataset.keys:
        data = dataset.rows.row('sample', key.token)['data']
        for channel in CHANNELS:
            if channel not in data:
                yield Finding('files', f'sample {key.token} of {key.scene_name}',
                              f'has no {channel}', 'leave the scene out of the split, or '
                              + UNPACK_AGAIN)
                continue
            path = dataset.rows.file(dataset.rows.row('sample_data', data[channel]))
            if not path.is_file() or not path.stat().st_size:
                yield Finding('files', str(path), 'is missing or empty', UNPACK_AGAIN)
            elif channel in CAMERAS and not _ends(path):
                yield Finding('files', str(path), 'ends before the image does', UNPACK_AGAIN)
        path = label_path(dataset.dataroot, key.scene_name, key.token)
        if has_labels and not path.is_file():
            yield Finding('labels', str(path), 'is missing', UNPACK_LABELS)


def _ends(path: Path) -> bool:
    """Return whether a JPEG has its end, which decoders do without."""
    with path.open('rb') as file:
        file.seek(max(0, path.stat().st_size - TAIL_BYTES))
        return JPEG_END in file.read()


def open_images(dataset: NuscenesDataset, key: SampleKey) -> tuple[Frame | None, list[Finding]]:
    """
    Decode the images of a sample.

    :return: The images, or None with what is wrong.
    """
    try:
        return dataset.frame(key), []
    except BdcOccError as error:
        return None, [Finding('files', f'sample {key.token} of {key.scene_name}', str(error),
                              UNPACK_AGAIN)]


def open_points_m(dataset: NuscenesDataset, key: SampleKey
                  ) -> tuple[np.ndarray | None, list[Finding]]:
    """
    Read the LiDAR sweep of a sample.

    :return: Points in the ego frame of the LiDAR, (N, 3), or None with what is wrong.
    """
    where = f'LiDAR sweep of sample {key.token} of {key.scene_name}'
    try:
        points_m = dataset.lidar_points_m(key)
        ego_from_world = np.linalg.inv(dataset.world_from_ego(key, LIDAR))
    except BdcOccError as error:
        return None, [Finding('files', where, str(error), UNPACK_AGAIN)]
    if not np.isfinite(points_m).all() or not len(points_m):
        return None, [Finding('files', where, f'{len(points_m)} points, not all of them finite',
                              UNPACK_AGAIN)]
    return points_m @ ego_from_world[:3, :3].T + ego_from_world[:3, 3], []

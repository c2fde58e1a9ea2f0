# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Check that the files of samples are there, and hold what the tables say."""

from collections.abc import Iterator
import os
from pathlib import Path

from bdc_occ_ros.dataset.check.issues import DatasetIssue, UNPACK_AGAIN
from bdc_occ_ros.dataset.nuscenes_dataset import NuscenesDataset
from bdc_occ_ros.dataset.taxonomy import CAMERAS, LIDAR

JPEG_END = b'\xff\xd9'
TAIL_BYTES = 1024
UNPACK_LABELS = ('unpack gts.tar.gz of Occ3D-nuScenes into the folder of the data set; without '
                 'labels only boxes can be trained')


def check_files(dataset: NuscenesDataset) -> Iterator[DatasetIssue]:
    """Look for samples without one of their readings, and for files that are missing or cut."""
    labels = dataset.dataroot / 'gts'
    has_labels = labels.is_dir()
    if not has_labels:
        yield DatasetIssue('labels', str(labels), 'is missing', UNPACK_LABELS)
    for key in dataset.keys:
        readings = dataset.key_readings(key)
        for channel in (*CAMERAS, LIDAR):
            if channel not in readings:
                yield DatasetIssue('files', f'sample {key.token} of {key.scene_name}',
                                   f'has no {channel}', 'leave the scene out of the split, or '
                                   + UNPACK_AGAIN)
                continue
            path = dataset.rows.file(readings[channel])
            if not path.is_file() or not path.stat().st_size:
                yield DatasetIssue('files', str(path), 'is missing or empty', UNPACK_AGAIN)
            elif channel in CAMERAS and not _ends(path):
                yield DatasetIssue('files', str(path), 'ends before the image does', UNPACK_AGAIN)
        path = dataset.label_path(key)
        if has_labels and not path.is_file():
            yield DatasetIssue('labels', str(path), 'is missing', UNPACK_LABELS)


def share_of_sweeps(dataset: NuscenesDataset) -> float | None:
    """Return which share of the sweeps between samples is there, 0 to 1; None without any."""
    root, names = str(dataset.dataroot), [
        row['filename'] for row in dataset.tables.sample_data
        if not row['is_key_frame'] and row['channel'] in (*CAMERAS, LIDAR)]
    folders = {os.path.dirname(name) for name in names}
    there = {f'{folder}/{file}' for folder in folders if os.path.isdir(f'{root}/{folder}')
             for file in os.listdir(f'{root}/{folder}')}
    return sum(name in there for name in names) / len(names) if names else None


def _ends(path: Path) -> bool:
    """Return whether a JPEG has its end marker, which decoders do not require."""
    with path.open('rb') as file:
        file.seek(max(0, path.stat().st_size - TAIL_BYTES))
        return JPEG_END in file.read()

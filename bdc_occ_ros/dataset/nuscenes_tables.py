# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Open the tables of a nuScenes data set with the devkit, and read what single rows say."""

from collections.abc import Sequence
import os
from pathlib import Path
from typing import Any, TYPE_CHECKING

import numpy as np

from bdc_occ_ros.dataset.check.tables import CURE, read_tables
from bdc_occ_ros.dataset.dataroot import defined_splits, SPLITS_FILE
from bdc_occ_ros.errors import InvalidDatasetError
from bdc_occ_ros.files import quoted, read_bytes, read_json, reading
from bdc_occ_ros.geometry.camera_rig import Camera
from bdc_occ_ros.geometry.rotations import pose_from_wxyz

if TYPE_CHECKING:
    from nuscenes.nuscenes import NuScenes

Row = dict[str, Any]
LIDAR_FIELDS = 5
VERSION_OF_SPLIT = {'train': 'trainval', 'train_detect': 'trainval', 'train_track': 'trainval',
                    'val': 'trainval', 'test': 'test', 'mini_train': 'mini', 'mini_val': 'mini'}


class NuscenesTables:
    """
    Look up rows by their keys, and the poses, cameras and files that they note.

    :param dataroot: Folder with samples, sweeps and the folder of tables.
    :param version: Folder of tables, for example v1.0-mini.
    :raises InvalidDatasetError: if there are no such tables or they are damaged.
    """

    def __init__(self, dataroot: str | Path, version: str) -> None:
        self.dataroot, self.version = Path(dataroot), version
        self.devkit = _open(self.dataroot, version)

    def row(self, table: str, token: str) -> Row:
        """
        Return a row of a table.

        :raises InvalidDatasetError: if there is none of that key.
        """
        try:
            return self.devkit.get(table, token)
        except KeyError as error:
            raise InvalidDatasetError(f'{self.dataroot / self.version}: {table} has no row '
                                      f'{quoted(token)}, which another table names') from error

    def scene_names(self, split: str | None) -> Sequence[str]:
        """
        Return the scenes of a split, whether they are here or not.

        :param split: One of nuScenes' own, in its own version, or one that splits.json beside the
            tables defines; None for all scenes that are here.
        :raises InvalidDatasetError: if there is no such split, or it is of another version: scenes
            of another data set may bear the names that nuScenes lists.
        """
        if split is None:
            return [scene['name'] for scene in self.devkit.scene]
        from nuscenes.utils.splits import create_splits_scenes
        own, version = defined_splits(self.dataroot, self.version), VERSION_OF_SPLIT.get(split)
        if version is None and split in own:
            return own[split]
        if version is None or not self.version.endswith(version):
            place = f'is of {version}' if version else 'is none'
            raise InvalidDatasetError(
                f'split {quoted(split)} {place} of nuScenes, and these tables are {self.version}; '
                f'beside them {SPLITS_FILE} defines {quoted(sorted(own)) if own else "none"}')
        return create_splits_scenes()[split]

    def sample_tokens(self, scene: Row) -> list[str]:
        """
        Return the samples of a scene in the order of time.

        :raises InvalidDatasetError: if one comes after itself.
        """
        tokens, token = {}, scene['first_sample_token']
        while token:
            if token in tokens:
                raise InvalidDatasetError(
                    f'{self.dataroot / self.version}: sample {quoted(token)} of '
                    f'{quoted(scene["name"])} comes after itself: follow next; {CURE}')
            tokens[token] = True
            token = self.row('sample', token)['next']
        return list(tokens)

    def file(self, reading: Row) -> Path:
        """
        Return where the file of a reading lies.

        :raises InvalidDatasetError: if that is outside the data set.
        """
        name = Path(reading['filename'])
        if name.is_absolute() or '..' in name.parts:
            raise InvalidDatasetError(f'{self.dataroot / self.version}: {quoted(str(name))} lies '
                                      'outside the data set')
        return self.dataroot / name

    def bytes_of(self, reading: Row) -> bytes:
        """
        Read the file of a reading as it is.

        :raises InvalidDatasetError: if it cannot be read.
        """
        return read_bytes(self.file(reading), InvalidDatasetError)

    def lidar_points(self, reading: Row) -> np.ndarray:
        """
        Read the points of a sweep.

        :return: (N, 5) float32: x y z in the LiDAR frame, metres, intensity, ring.
        :raises InvalidDatasetError: if the file is missing or no sweep.
        """
        data = self.bytes_of(reading)
        if len(data) % (4 * LIDAR_FIELDS):
            raise InvalidDatasetError(f'{self.file(reading)}: {len(data)} bytes are no sweep of '
                                      f'{LIDAR_FIELDS} float32 per point')
        return np.frombuffer(data, np.float32).reshape(-1, LIDAR_FIELDS)

    def camera(self, name: str, reading: Row) -> Camera:
        """Return the camera that took an image."""
        row = self.row('calibrated_sensor', reading['calibrated_sensor_token'])
        return Camera(name, reading['width'], reading['height'],
                      np.array(row['camera_intrinsic']), self.mount(reading))

    def mount(self, reading: Row) -> np.ndarray:
        """Return ego_from_sensor, (4, 4), metres."""
        return pose_of(self.row('calibrated_sensor', reading['calibrated_sensor_token']))

    def ego_pose(self, reading: Row) -> np.ndarray:
        """Return world_from_ego when a reading was taken, (4, 4), metres."""
        return pose_of(self.row('ego_pose', reading['ego_pose_token']))


def versions_in(folder: Path) -> list[str]:
    """Return the versions of a data set; of any other folder there are none."""
    return sorted(path.parent.name for path in folder.glob('*/sample.json'))


def pose_of(row: Row) -> np.ndarray:
    """Return the rigid transform that a row notes as translation and rotation, (4, 4), metres."""
    return pose_from_wxyz(row['translation'], row['rotation'])


def _open(dataroot: Path, version: str) -> 'NuScenes':
    from nuscenes.nuscenes import NuScenes
    if not os.path.isfile(dataroot / version / 'sample.json'):
        raise InvalidDatasetError(
            f'{dataroot} is no nuScenes data set of version {version}: there is no '
            f'{version}/sample.json')
    tables, issues = read_tables(dataroot / version)
    for issue in issues:
        raise InvalidDatasetError(f'{issue.where}: {issue.problem}; {issue.cure}; bdc-occ '
                                  'check-data lists all mistakes')
    # The devkit wants a map for every log; those that are there are only drawn, never read by us.
    path = dataroot / version / 'map.json'
    with reading(path, InvalidDatasetError, CURE):
        maps = read_json(path, InvalidDatasetError) if path.is_file() else []
        maps = [row for row in maps if (dataroot / row['filename']).is_file()]
        logs = {row['token'] for row in tables['log']}.difference(
            *(row['log_tokens'] for row in maps))
        tables['map'] = [*maps, {'token': '', 'filename': '', 'log_tokens': [*logs]}]

    class CheckedNuScenes(NuScenes):
        """Take tables that were checked, and look for no other files."""

        table_root = str(dataroot)

        def __load_table__(self, table_name: str) -> list[Row]:
            return tables[table_name]

    with reading(dataroot / version, InvalidDatasetError, CURE):
        return CheckedNuScenes(version=version, dataroot=str(dataroot), verbose=False)

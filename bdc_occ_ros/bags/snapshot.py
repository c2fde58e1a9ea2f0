# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
One frame and what was predicted from it, in a file that a bug report can carry.

The file is an npz archive: a JSON manifest for names and numbers, and one array per image,
matrix and grid. It holds no pickled objects, so a file from a stranger can be opened.
"""

from dataclasses import dataclass, fields
import json
import os
from pathlib import Path
from typing import Any
import zipfile

import numpy as np

from bdc_occ_ros.datatypes import Boxes, Frame, Occupancy
from bdc_occ_ros.errors import InvalidSnapshotError
from bdc_occ_ros.geometry.camera_rig import Camera, CameraRig
from bdc_occ_ros.geometry.voxel_grid import VoxelGrid

FORMAT = 'bdc_occ_ros snapshot 1'
_BOX_ARRAYS = tuple(f.name for f in fields(Boxes) if f.name not in ('class_names', 'stamp_ns'))
_GRID_ARRAYS = ('labels', 'observed', 'confidence')


@dataclass(frozen=True, eq=False)
class Snapshot:
    """
    What one prediction started from and came to.

    :param frame: Images, calibration and poses.
    :param occupancy: The grid, or None if the network has no occupancy head.
    :param boxes: The objects, or None if the network has no box head.
    """

    frame: Frame
    occupancy: Occupancy | None
    boxes: Boxes | None


def save_snapshot(path: str | Path, frame: Frame, occupancy: Occupancy | None,
                  boxes: Boxes | None) -> None:
    """
    Write a frame and its prediction; the file appears whole or not at all.

    :param path: File to write, npz.
    :param frame: Images, calibration and poses.
    :param occupancy: The grid, or None.
    :param boxes: The objects, or None.
    """
    manifest, arrays = {'format': FORMAT}, {}
    _put_frame(frame, manifest, arrays)
    if occupancy is not None:
        manifest['occupancy'] = {
            'lower_m': occupancy.grid.lower_m, 'cell_size_m': occupancy.grid.cell_size_m,
            'shape': occupancy.grid.shape, 'class_names': occupancy.class_names,
            'free_label': occupancy.free_label, 'stamp_ns': occupancy.stamp_ns}
        arrays.update((f'occupancy/{name}', getattr(occupancy, name)) for name in _GRID_ARRAYS
                      if getattr(occupancy, name) is not None)
    if boxes is not None:
        manifest['boxes'] = {'class_names': boxes.class_names, 'stamp_ns': boxes.stamp_ns}
        arrays.update((f'boxes/{name}', getattr(boxes, name)) for name in _BOX_ARRAYS)
    partial = Path(path).with_name(Path(path).name + '.part')
    with partial.open('wb') as file:
        np.savez(file, manifest=np.array(json.dumps(manifest)), **arrays)
    os.replace(partial, path)


def load_snapshot(path: str | Path) -> Snapshot:
    """
    Read what save_snapshot wrote.

    :raises InvalidSnapshotError: if the file cannot be read, is not a snapshot, or its parts do
        not fit together.
    """
    try:
        with Path(path).open('rb') as file, np.load(file, allow_pickle=False) as archive:
            manifest = json.loads(archive['manifest'].item())
            if not isinstance(manifest, dict) or manifest.get('format') != FORMAT:
                raise InvalidSnapshotError(f'it does not say that it is a {FORMAT!r}')
            return Snapshot(_frame(manifest, archive), _occupancy(manifest, archive),
                            _boxes(manifest, archive))
    except (OSError, EOFError, ValueError, TypeError, KeyError, AttributeError,
            zipfile.BadZipFile) as error:
        raise InvalidSnapshotError(f'{path}: not a readable snapshot: {error}') from error


def _put_frame(frame: Frame, manifest: dict[str, Any], arrays: dict[str, np.ndarray]) -> None:
    """Spread a frame over the manifest and the arrays."""
    manifest['frame'] = {
        'stamp_ns': frame.stamp_ns, 'stamps_ns': dict(frame.stamps_ns),
        'key_camera': frame.rig.key_camera, 'has_poses': frame.fixed_from_ego is not None,
        'cameras': [{'name': camera.name, 'width_px': camera.width_px,
                     'height_px': camera.height_px, 'distortion_model': camera.distortion_model}
                    for camera in frame.rig.cameras]}
    for camera in frame.rig.cameras:
        arrays[f'{camera.name}/intrinsics'] = camera.intrinsics
        arrays[f'{camera.name}/distortion'] = camera.distortion
        arrays[f'{camera.name}/ego_from_camera'] = camera.ego_from_camera
    arrays.update((f'{name}/image', image) for name, image in frame.images.items())
    arrays.update((f'{name}/fixed_from_ego', pose)
                  for name, pose in (frame.fixed_from_ego or {}).items())


def _frame(manifest: dict[str, Any], archive: Any) -> Frame:
    """Gather a frame again."""
    entry = manifest['frame']
    cameras = tuple(
        Camera(intrinsics=archive[f'{each["name"]}/intrinsics'],
               ego_from_camera=archive[f'{each["name"]}/ego_from_camera'],
               distortion=archive[f'{each["name"]}/distortion'], **each)
        for each in entry['cameras'])
    rig = CameraRig(cameras, entry['key_camera'])
    poses = {name: archive[f'{name}/fixed_from_ego'] for name in rig.names
             if f'{name}/fixed_from_ego' in archive} if entry['has_poses'] else None
    return Frame(images={name: archive[f'{name}/image'] for name in entry['stamps_ns']},
                 stamps_ns=entry['stamps_ns'], rig=rig, stamp_ns=entry['stamp_ns'],
                 fixed_from_ego=poses)


def _occupancy(manifest: dict[str, Any], archive: Any) -> Occupancy | None:
    """Gather the grid again, if there is one."""
    if 'occupancy' not in manifest:
        return None
    entry = dict(manifest['occupancy'])
    grid = VoxelGrid(*(tuple(entry.pop(name)) for name in ('lower_m', 'cell_size_m', 'shape')))
    arrays = {name: archive[f'occupancy/{name}'] for name in _GRID_ARRAYS
              if f'occupancy/{name}' in archive}
    return Occupancy(grid=grid, class_names=tuple(entry.pop('class_names')), **entry, **arrays)


def _boxes(manifest: dict[str, Any], archive: Any) -> Boxes | None:
    """Gather the objects again, if there are any."""
    if 'boxes' not in manifest:
        return None
    arrays = {name: archive[f'boxes/{name}'] for name in _BOX_ARRAYS}
    return Boxes(class_names=tuple(manifest['boxes']['class_names']),
                 stamp_ns=manifest['boxes']['stamp_ns'], **arrays)

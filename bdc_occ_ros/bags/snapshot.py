# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Save and load one frame and what was predicted from it, in a file for bug reports.

The file is an npz archive: a JSON manifest for names and numbers, and one array per image,
matrix and grid. It holds no pickled objects, so a file from a stranger can be opened.
"""

from collections.abc import Iterable
from dataclasses import fields
import json
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from bdc_occ_ros.datatypes import Boxes, Frame, Occupancy
from bdc_occ_ros.errors import InvalidSnapshotError
from bdc_occ_ros.files import parse_json, read_arrays, reading, replacing
from bdc_occ_ros.geometry.camera_rig import Camera, CameraRig
from bdc_occ_ros.geometry.voxel_grid import VoxelGrid

FORMAT = 'bdc_occ_ros snapshot 1'
_BOX_ARRAYS = tuple(f.name for f in fields(Boxes) if f.name not in ('class_names', 'stamp_ns'))
_OCCUPANCY_ARRAYS = ('labels', 'observed', 'confidence')
_GRID_VALUES = ('lower_m', 'cell_size_m', 'shape')
_CAMERA_ARRAYS = ('intrinsics', 'distortion', 'ego_from_camera')
_CAMERA_VALUES = ('name', 'width_px', 'height_px', 'distortion_model')


class Snapshot(NamedTuple):
    """Hold a frame and its prediction; None where the network has no head for it."""

    frame: Frame
    occupancy: Occupancy | None
    boxes: Boxes | None


def save_snapshot(path: str | Path, frame: Frame, occupancy: Occupancy | None,
                  boxes: Boxes | None) -> None:
    """
    Write a frame and its prediction as npz; the file appears whole or not at all.

    :raises InvalidSnapshotError: if it cannot be written.
    """
    cameras = frame.rig.cameras
    manifest: dict[str, Any] = {'format': FORMAT, 'frame': {
        'stamp_ns': frame.stamp_ns, 'stamps_ns': dict(frame.stamps_ns),
        'key_camera': frame.rig.key_camera, 'has_poses': frame.fixed_from_ego is not None,
        'cameras': [{name: getattr(camera, name) for name in _CAMERA_VALUES}
                    for camera in cameras]}}
    arrays = {f'{camera.name}/{name}': getattr(camera, name)
              for camera in cameras for name in _CAMERA_ARRAYS}
    arrays |= {f'{name}/image': image for name, image in frame.images.items()}
    arrays |= {f'{name}/fixed_from_ego': pose
               for name, pose in (frame.fixed_from_ego or {}).items()}
    if occupancy is not None:
        manifest['occupancy'] = {
            **{name: getattr(occupancy.grid, name) for name in _GRID_VALUES},
            'class_names': occupancy.class_names, 'free_label': occupancy.free_label,
            'stamp_ns': occupancy.stamp_ns}
        arrays |= {f'occupancy/{name}': getattr(occupancy, name) for name in _OCCUPANCY_ARRAYS
                   if getattr(occupancy, name) is not None}
    if boxes is not None:
        manifest['boxes'] = {'class_names': boxes.class_names, 'stamp_ns': boxes.stamp_ns}
        arrays |= {f'boxes/{name}': getattr(boxes, name) for name in _BOX_ARRAYS}
    with replacing(path, InvalidSnapshotError) as place, place.open('wb') as file:
        np.savez(file, manifest=np.array(json.dumps(manifest)), **arrays)


def load_snapshot(path: str | Path) -> Snapshot:
    """
    Read what save_snapshot wrote.

    :raises InvalidSnapshotError: if the file cannot be read, is not a snapshot, or its parts do
        not fit together.
    """
    with reading(path, InvalidSnapshotError, 'give a snapshot of the node'):
        archive = read_arrays(Path(path), InvalidSnapshotError)
        manifest = parse_json(archive['manifest'].item(), 'manifest', InvalidSnapshotError)
        if not isinstance(manifest, dict) or manifest.get('format') != FORMAT:
            raise InvalidSnapshotError(f'it does not say that it is a {FORMAT!r}')
        return Snapshot(_frame(manifest['frame'], archive), _occupancy(manifest, archive),
                        _boxes(manifest, archive))


def _frame(entry: dict[str, Any], archive: Any) -> Frame:
    rig = CameraRig(tuple(
        Camera(**each, **_arrays(archive, each['name'], _CAMERA_ARRAYS))
        for each in entry['cameras']), entry['key_camera'])
    poses = {name: archive[f'{name}/fixed_from_ego'] for name in rig.names
             if f'{name}/fixed_from_ego' in archive} if entry['has_poses'] else None
    return Frame(images={name: archive[f'{name}/image'] for name in entry['stamps_ns']},
                 stamps_ns=entry['stamps_ns'], rig=rig, stamp_ns=entry['stamp_ns'],
                 fixed_from_ego=poses)


def _occupancy(manifest: dict[str, Any], archive: Any) -> Occupancy | None:
    if 'occupancy' not in manifest:
        return None
    entry = dict(manifest['occupancy'])
    grid = VoxelGrid(*(tuple(entry.pop(name)) for name in _GRID_VALUES))
    found = [name for name in _OCCUPANCY_ARRAYS if f'occupancy/{name}' in archive]
    return Occupancy(grid=grid, class_names=tuple(entry.pop('class_names')), **entry,
                     **_arrays(archive, 'occupancy', found))


def _boxes(manifest: dict[str, Any], archive: Any) -> Boxes | None:
    if 'boxes' not in manifest:
        return None
    return Boxes(class_names=tuple(manifest['boxes']['class_names']),
                 stamp_ns=manifest['boxes']['stamp_ns'], **_arrays(archive, 'boxes', _BOX_ARRAYS))


def _arrays(archive: Any, group: str, names: Iterable[str]) -> dict[str, np.ndarray]:
    return {name: archive[f'{group}/{name}'] for name in names}

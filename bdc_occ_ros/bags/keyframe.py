# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Read one recorded keyframe of a real rig from a folder, and write it as a bag.

Three forms are known, told apart by their files:
calibration.json with cameras that carry times and ego poses (a complete nuScenes keyframe);
calibration.json with samples (a rig in the form of DGP);
nothing but images, with index.json and rigs.json one folder above (nuScenes images only).
Quaternions in these files are w, x, y, z; times are microseconds.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from bdc_occ_ros.bags.formats import ConverterFormat
from bdc_occ_ros.bags.rig_bag import BagSummary, RecordedReading, RigBagWriter
from bdc_occ_ros.bags.truth_file import Truth
from bdc_occ_ros.classes import DETECTION_CLASS_NAMES
from bdc_occ_ros.dataset.taxonomy import CAMERAS
from bdc_occ_ros.datatypes import Boxes, LidarSweep
from bdc_occ_ros.errors import BdcOccError, InvalidKeyframeError
from bdc_occ_ros.files import quoted, read_arrays, read_bytes, read_json, reading
from bdc_occ_ros.geometry.camera_rig import Camera, CameraRig
from bdc_occ_ros.geometry.rotations import pose_from_wxyz
from bdc_occ_ros.image_decoding import EncodedImage, read_header
from bdc_occ_ros.world.sensor_timing import LIDAR_TRANSLATION_M

NUM_LIDAR_COLUMNS = 5
CLASS_OF_DGP = {'Car': 'car', 'Truck': 'truck', 'Bus/RV/Caravan': 'bus', 'Person': 'pedestrian',
                'Motorcycle': 'motorcycle', 'Bicycle': 'bicycle'}


class Keyframe(NamedTuple):
    """
    Hold one keyframe of a rig.

    :param stamps_ns: Exposure time by camera name.
    :param jpegs: Compressed image by camera name, as it was recorded.
    :param fixed_from_ego: Ego pose at every exposure by camera name, (4, 4), or None.
    :param boxes: Objects in the ego frame of the sweep, or None.
    :param sweep: What the LiDAR met, or None.
    """

    rig: CameraRig
    stamps_ns: Mapping[str, int]
    jpegs: Mapping[str, bytes]
    fixed_from_ego: Mapping[str, np.ndarray] | None
    boxes: Boxes | None
    sweep: LidarSweep | None = None


def load_keyframe(folder: str | Path) -> Keyframe:
    """
    Read a folder in one of the three forms above.

    :raises InvalidKeyframeError: if it has none of the forms or a file is damaged.
    """
    folder = Path(folder)
    with reading(folder, InvalidKeyframeError):
        if (folder / 'calibration.json').is_file():
            document = read_json(folder / 'calibration.json', InvalidKeyframeError)
            return (_dgp if 'samples' in document else _nuscenes)(folder, document)
        if (folder.parent / 'index.json').is_file():
            return _images_only(folder)
    raise InvalidKeyframeError(
        f'{folder} is no keyframe: neither calibration.json in it nor index.json beside it')


def write_keyframe_bag(path: str | Path, keyframe: Keyframe, *, calibration: str = 'tf',
                       converter: ConverterFormat | None = None) -> BagSummary:
    """
    Write one set of images, byte for byte, with its calibration, poses and boxes.

    :param calibration: As for RigBagWriter, and so is the converter.
    :raises UsageError: if the folder exists already, or the converter needs poses that the
        keyframe does not have.
    """
    poses = keyframe.fixed_from_ego or {}
    images = [RecordedReading(name, stamp_ns, keyframe.jpegs[name], poses.get(name))
              for name, stamp_ns in sorted(keyframe.stamps_ns.items(), key=lambda item: item[1])]
    with RigBagWriter(path, keyframe.rig, images[0].stamp_ns, calibration=calibration,
                      converter=converter) as bag:
        bag.write_set(images)
        if keyframe.boxes is not None:
            bag.truths.append(Truth(keyframe.boxes.stamp_ns, None, keyframe.boxes))
    return bag.summary


def _inside(folder: Path, name: str) -> Path:
    """Return the path of a file that is named in a document and must lie in its folder."""
    path = (folder / name).resolve()
    if not path.is_relative_to(folder.resolve()):
        raise InvalidKeyframeError(f'{folder}: {quoted(name)} lies outside the folder')
    return path


def _camera(name: str, entry: Mapping[str, Any]) -> Camera:
    return Camera(name, entry['width'], entry['height'], np.array(entry['K'], float),
                  pose_from_wxyz(entry['translation_ego_cam'], entry['rotation_ego_cam_wxyz']),
                  distortion=entry['distortion'])


def _keyframe(folder: Path, rig: CameraRig, entries: Mapping[str, Any],
              poses: Mapping[str, np.ndarray] | None, boxes: Boxes | None = None,
              sweep: LidarSweep | None = None) -> Keyframe:
    jpegs = {name: read_bytes(_inside(folder, entries[name]['file']), InvalidKeyframeError)
             for name in rig.names}
    for name, jpeg in jpegs.items():
        read_header(EncodedImage(jpeg), name)
    return Keyframe(rig, {name: entries[name]['timestamp_us'] * 1000 for name in rig.names}, jpegs,
                    poses, boxes, sweep)


def _nuscenes_rig(entries: Mapping[str, Any]) -> CameraRig:
    """Return the six cameras in the order of the published networks."""
    return CameraRig(tuple(_camera(name, entries[name]) for name in CAMERAS), CAMERAS[0])


def _nuscenes(folder: Path, document: Mapping[str, Any]) -> Keyframe:
    entries, file, boxes = document['cameras'], folder / 'boxes.json', None
    poses = {name: pose_from_wxyz(entries[name]['ego_translation_global'],
                                  entries[name]['ego_rotation_global_wxyz'])
             for name in CAMERAS}
    if file.is_file():
        boxes = _boxes(read_json(file, InvalidKeyframeError),
                       entries[CAMERAS[0]]['timestamp_us'] * 1000)
    return _keyframe(folder, _nuscenes_rig(entries), entries, poses, boxes,
                     _nuscenes_sweep(folder, document['lidar']) if 'lidar' in document else None)


def _nuscenes_sweep(folder: Path, entry: Mapping[str, Any]) -> LidarSweep:
    """Read the sweep of a complete keyframe, whose points lie in the frame of the sensor."""
    mount = pose_from_wxyz(entry['translation_ego_lidar'], entry['rotation_ego_lidar_wxyz'])
    values = np.frombuffer(read_bytes(_inside(folder, entry['file']), InvalidKeyframeError), '<f4')
    points_m = values.reshape(-1, NUM_LIDAR_COLUMNS)[:, :3] @ mount[:3, :3].T + mount[:3, 3]
    return LidarSweep(points_m, mount[:3, 3], pose_from_wxyz(
        entry['ego_translation_global'], entry['ego_rotation_global_wxyz']))


def _boxes(document: Mapping[str, Any], stamp_ns: int) -> Boxes:
    """Return the annotated objects whose class the detection task knows."""
    known = [entry for entry in document['boxes'] if entry['class'] in DETECTION_CLASS_NAMES]
    values = np.array([[np.nan if v is None else v for v in entry['box']] for entry in known],
                      float).reshape(-1, 9)
    labels = [DETECTION_CLASS_NAMES.index(entry['class']) for entry in known]
    return Boxes(values[:, :3], values[:, 3:6], values[:, 6], values[:, 7:9],
                 np.ones(len(known)), np.array(labels, np.int64), DETECTION_CLASS_NAMES, stamp_ns)


def _images_only(folder: Path) -> Keyframe:
    index = read_json(folder.parent / 'index.json', InvalidKeyframeError)
    found = [sample for sample in index['samples'] if sample['id'] == folder.name]
    if not found:
        raise BdcOccError(f'index.json beside it does not list {folder.name}')
    rigs = read_json(folder.parent / 'rigs.json', InvalidKeyframeError)
    rig = _nuscenes_rig(rigs['rigs'][found[0]['rig']]['cameras'])
    return _keyframe(folder.parent, rig, found[0]['cameras'], None)


def _dgp(folder: Path, document: Mapping[str, Any]) -> Keyframe:
    """Read a rig in the form of DGP, which states where each camera was, not the vehicle."""
    sample = document['samples'][0]
    entries = sample['cameras']
    cameras = tuple(_camera(name, document['cameras'][name]) for name in entries)
    rig = CameraRig(cameras, min(entries, key=lambda name: entries[name]['timestamp_us']))
    poses = {name: pose_from_wxyz(entry['camera_translation_world'],
                                  entry['camera_rotation_world_wxyz'])
             @ np.linalg.inv(rig[name].ego_from_camera) for name, entry in entries.items()}
    if 'lidar' not in sample:
        return _keyframe(folder, rig, entries, poses)
    lidar = sample['lidar']
    arrays = read_arrays(_inside(folder, lidar['file']), InvalidKeyframeError)
    points_m = arrays[lidar['array']][:, :3]
    sweep = LidarSweep(points_m, LIDAR_TRANSLATION_M, pose_from_wxyz(  # the mount is not stated
        lidar['ego_translation_world'], lidar['ego_rotation_world_wxyz']))
    return _keyframe(folder, rig, entries, poses,
                     _dgp_boxes(sample['boxes'], lidar['timestamp_us'] * 1000), sweep)


def _dgp_boxes(entries: Sequence[Mapping[str, Any]], stamp_ns: int) -> Boxes:
    """Return the annotated objects whose class the detection task knows."""
    known = [entry for entry in entries if entry['class'] in CLASS_OF_DGP]
    poses = np.array([pose_from_wxyz(entry['centre'], entry['rotation_wxyz'])
                      for entry in known]).reshape(-1, 4, 4)
    sizes_m = np.array([[entry[side] for side in ('length', 'width', 'height')]
                        for entry in known]).reshape(-1, 3)
    labels = [DETECTION_CLASS_NAMES.index(CLASS_OF_DGP[entry['class']]) for entry in known]
    return Boxes(poses[:, :3, 3], sizes_m, np.arctan2(poses[:, 1, 0], poses[:, 0, 0]),
                 np.full((len(known), 2), np.nan), np.ones(len(known)),
                 np.array(labels, np.int64), DETECTION_CLASS_NAMES, stamp_ns)

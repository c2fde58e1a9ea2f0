# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Gather the frames of a rig's bag: images of one trigger, calibration and poses."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
import re

import numpy as np

from bdc_occ_ros.bags import BASE_FRAME, CALIBRATION_FILE, ODOM_FRAME
from bdc_occ_ros.bags.bag_reader import BagMessage, BagReader
from bdc_occ_ros.bags.messages import stamp_ns_of
from bdc_occ_ros.datatypes import Frame
from bdc_occ_ros.errors import InvalidBagError, TransformUnavailableError
from bdc_occ_ros.geometry.calibration_file import load_calibration
from bdc_occ_ros.geometry.camera_info import camera_from_info
from bdc_occ_ros.geometry.camera_rig import Camera, CameraRig
from bdc_occ_ros.geometry.rotations import pose_from_wxyz
from bdc_occ_ros.geometry.transforms import TransformTree
from bdc_occ_ros.image_decoding import decode_image

IMAGE_TYPE = 'sensor_msgs/msg/CompressedImage'
IMAGE_TOPIC = re.compile(r'/?(?:.*/)?camera/(?P<name>[^/]+)/image/compressed')
INFO_TOPIC = re.compile(r'/?(?:.*/)?camera/(?P<name>[^/]+)/camera_info')
SET_SPREAD_NS = 48_000_000
HISTORY_S = 1e6


class RigBag:
    """
    Index the calibration, poses and image stamps of a bag; images are decoded on request.

    :param path: Bag in the layout that RigBagWriter writes.
    :raises InvalidBagError: if the bag cannot be read or lacks images or calibration.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.transforms = TransformTree(HISTORY_S)
        self._images: dict[str, list[int]] = defaultdict(list)
        infos: dict[str, object] = {}
        with BagReader(path) as bag:
            for message in bag.messages():
                self._take(bag, message, infos)
            if not self._images:
                raise InvalidBagError(f'{path} has no topic camera/<name>/image/compressed; it '
                                      f'has {sorted(bag.topics)}')
        for stamps in self._images.values():
            stamps.sort()
        self.rig = self._calibration(infos)

    def key_stamps_ns(self) -> list[int]:
        """Return the exposure times of the key camera."""
        return list(self._images.get(self.rig.key_camera, []))

    def frames(self, stamps_ns: set[int] | None = None) -> Iterator[Frame]:
        """
        Yield the sets of images around exposures of the key camera.

        The key camera fires first; a set takes of every other camera its next image, if that
        comes within 48 ms. This suits rigs that fire at once and that of nuScenes (43 ms, with
        50 ms or more between triggers).

        :param stamps_ns: Which exposures of the key camera; all if None.
        :raises InvalidImageError: if an image is damaged.
        """
        wanted: dict[tuple[str, int], int] = {}
        sets: dict[int, dict[str, int]] = {}
        for key_ns in self.key_stamps_ns():
            if stamps_ns is not None and key_ns not in stamps_ns:
                continue
            sets[key_ns] = self._set_around(key_ns)
            wanted.update(dict.fromkeys(sets[key_ns].items(), key_ns))
        images: dict[int, dict[str, np.ndarray]] = defaultdict(dict)
        with BagReader(self.path) as bag:
            for message in bag.messages([t for t in bag.topics if IMAGE_TOPIC.fullmatch(t)]):
                if message.msgtype != IMAGE_TYPE:
                    continue
                decoded = bag.decode(message)
                name = IMAGE_TOPIC.fullmatch(message.topic)['name']
                key_ns = wanted.get((name, stamp_ns_of(decoded.header)))
                if key_ns is None:
                    continue
                images[key_ns][name] = decode_image(decoded, f'{self.path}: {message.topic}')
                if len(images[key_ns]) == len(sets[key_ns]):
                    yield self._frame(key_ns, sets[key_ns], images.pop(key_ns))

    def _take(self, bag: BagReader, message: BagMessage, infos: dict[str, object]) -> None:
        """Store what a message says about calibration, motion or stamps."""
        if message.msgtype == 'tf2_msgs/msg/TFMessage':
            is_static = message.topic.endswith('tf_static')
            for item in bag.decode(message).transforms:
                self.transforms.set_transform(
                    item.header.frame_id, item.child_frame_id, stamp_ns_of(item.header),
                    _matrix(item.transform), static=is_static)
        elif message.msgtype == 'sensor_msgs/msg/CameraInfo' and (
                found := INFO_TOPIC.fullmatch(message.topic)):
            if found['name'] not in infos:
                infos[found['name']] = bag.decode(message)
        elif message.msgtype == IMAGE_TYPE and (found := IMAGE_TOPIC.fullmatch(message.topic)):
            self._images[found['name']].append(stamp_ns_of(bag.decode(message).header))

    def _calibration(self, infos: dict[str, object]) -> CameraRig:
        """Return the rig from the file beside the bag, or from camera_info and /tf_static."""
        file = self.path / CALIBRATION_FILE
        if file.is_file():
            return load_calibration(file)
        missing = sorted(set(self._images) - set(infos))
        if missing:
            raise InvalidBagError(f'{self.path} has images but no camera_info of {missing}, and '
                                  f'no {CALIBRATION_FILE} beside it')
        first = min(self._images, key=lambda name: self._images[name][0])
        return CameraRig(tuple(self._camera(name, info) for name, info in infos.items()
                               if name in self._images), first)

    def _camera(self, name: str, info: object) -> Camera:
        try:
            mount = self.transforms.lookup(BASE_FRAME, info.header.frame_id)
        except TransformUnavailableError as error:
            raise InvalidBagError(f'{self.path}: the mount of {name} is missing: {error}'
                                  ) from error
        return camera_from_info(info, name, mount)

    def _set_around(self, key_ns: int) -> dict[str, int]:
        """Return the stamps of the images that belong to an exposure of the key camera."""
        found = {}
        for name in self.rig.names:
            stamps = self._images.get(name, [])
            place = bisect_left(stamps, key_ns)
            if place < len(stamps) and stamps[place] - key_ns <= SET_SPREAD_NS:
                found[name] = stamps[place]
        return found

    def _frame(self, key_ns: int, stamps_ns: dict[str, int], images: dict[str, np.ndarray]
               ) -> Frame:
        try:
            poses = {name: self.transforms.lookup(ODOM_FRAME, BASE_FRAME, stamp)
                     for name, stamp in (stamps_ns | {self.rig.key_camera: key_ns}).items()}
        except TransformUnavailableError:
            poses = None
        return Frame(images, stamps_ns, self.rig, key_ns, poses)


def _matrix(transform: object) -> np.ndarray:
    """Return a transform message as a matrix, (4, 4)."""
    position, turn = transform.translation, transform.rotation
    return pose_from_wxyz((position.x, position.y, position.z), (turn.w, turn.x, turn.y, turn.z))

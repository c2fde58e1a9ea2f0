# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
From a set of undecoded messages to a frame; only sets that will be computed come this far.

A camera whose image or calibration cannot be trusted is treated as a camera that did not
deliver: its error is reported under its name, and the missing policy decides about the set.
"""

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
import os

from bdc_occ_ros.datatypes import Frame
from bdc_occ_ros.errors import BdcOccError, InvalidCalibrationError, InvalidFrameError
from bdc_occ_ros.geometry.camera_rig import Camera, CameraRig
from bdc_occ_ros.ros.calibration_source import CalibrationSource
from bdc_occ_ros.ros.ego_motion import EgoMotion
from bdc_occ_ros.ros.messages_to_frame import decode_for_camera, DecodedImage, FrameAssembler
from bdc_occ_ros.ros.node_config import NodeConfig
from bdc_occ_ros.sync.image_set import ImageSet

MAX_DECODERS = 4


class SetToFrame:
    """
    Decodes the images of a set and adds calibration and ego poses.

    :param config: Parameters of the node.
    :param calibration: Where the cameras come from.
    :param ego_motion: Where the poses come from.
    :param decode_reduction: Largest JPEG reduction that leaves a camera's image no smaller than
        the network input.
    :param on_refused: Called with camera name and error for every image that cannot be used.
    :param on_remark: Called with camera name and what had to be assumed, perhaps nothing, for
        every other image.
    """

    def __init__(self, config: NodeConfig, calibration: CalibrationSource, ego_motion: EgoMotion,
                 decode_reduction: Callable[[Camera], int],
                 on_refused: Callable[[str, BdcOccError], None],
                 on_remark: Callable[[str, str], None]) -> None:
        self._config = config
        self._calibration = calibration
        self._ego_motion = ego_motion
        is_reduced = config.image_decoding == 'reduced'
        self._decode_reduction = decode_reduction if is_reduced else lambda camera: 1
        self._on_refused = on_refused
        self._on_remark = on_remark
        self._assembler = None
        self._assembled_rig = b''
        self._decoders = ThreadPoolExecutor(min(MAX_DECODERS, os.cpu_count() or 1), 'decode')

    def close(self) -> None:
        """End the decoding threads."""
        self._decoders.shutdown(wait=False, cancel_futures=True)

    def __call__(self, image_set: ImageSet) -> Frame:
        """
        Return the frame of a set.

        :param image_set: One message per camera.
        :raises InvalidFrameError: if too few cameras can be used under the missing policy.
        :raises TransformUnavailableError: if ego_motion names a source that has not the poses.
        """
        calibrated = self._calibration.cameras()
        images = self._decode(image_set, calibrated)
        self._require_enough(image_set, images)
        key = self._config.key_camera
        if key not in calibrated:
            key = next(iter(images))
        stamps_ns = {name: image_set.entries[name].stamp_ns for name in images}
        stamp_ns = stamps_ns.get(key, image_set.key_stamp_ns)
        poses = self._ego_motion.poses({key: stamp_ns, **stamps_ns})
        rig = CameraRig(tuple(calibrated.values()), key)
        return self._assembler_of(rig).frame(images, stamps_ns, stamp_ns, poses)

    def _decode(self, image_set: ImageSet,
                calibrated: Mapping[str, Camera]) -> dict[str, DecodedImage]:
        """Return the images that can be used and report the others."""
        def decode(name: str) -> DecodedImage | BdcOccError:
            try:
                if name not in calibrated:
                    raise InvalidCalibrationError(f'{name} is not calibrated')
                return decode_for_camera(image_set.entries[name].payload, calibrated[name],
                                         self._decode_reduction)
            except BdcOccError as error:
                return error

        results = dict(zip(image_set.entries, self._decoders.map(decode, image_set.entries)))
        for name, result in results.items():
            if isinstance(result, BdcOccError):
                self._on_refused(name, result)
            else:
                self._on_remark(name, result.remark)
        return {name: result for name, result in results.items()
                if isinstance(result, DecodedImage)}

    def _require_enough(self, image_set: ImageSet, images: Mapping[str, DecodedImage]) -> None:
        """Apply the missing policy to images that turned out to be unusable."""
        refused = [name for name in image_set.entries if name not in images]
        sync = self._config.sync
        if refused and (sync.missing_policy != 'partial' or len(images) < sync.min_cameras):
            raise InvalidFrameError(
                f'{", ".join(refused)} cannot be used; sync.missing_policy is '
                f'{sync.missing_policy} with at least {sync.min_cameras} cameras')

    def _assembler_of(self, rig: CameraRig) -> FrameAssembler:
        """Return the assembler of this very calibration."""
        if self._assembler is None or rig.fingerprint != self._assembled_rig:
            self._assembler, self._assembled_rig = FrameAssembler(rig), rig.fingerprint
        return self._assembler

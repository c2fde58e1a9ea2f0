# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Writes a recorded keyframe of a real rig as a bag."""

from pathlib import Path

from bdc_occ_ros.bags import TRUTH_FILE
from bdc_occ_ros.bags.flavours import Flavour
from bdc_occ_ros.bags.keyframe import Keyframe
from bdc_occ_ros.bags.open_bag import open_bag
from bdc_occ_ros.bags.recorded_image import RecordedImage
from bdc_occ_ros.bags.rig_bag_writer import BagSummary
from bdc_occ_ros.bags.truth_file import save_truth, Truth


def write_keyframe_bag(path: str | Path, keyframe: Keyframe, *, calibration: str = 'tf',
                       flavour: Flavour | None = None) -> BagSummary:
    """
    Write one set of images with its calibration, poses and boxes.

    :param keyframe: What was recorded; images are written byte for byte.
    :param calibration: 'tf' or 'file', see RigBagWriter.
    :param flavour: Write as this converter does instead.
    :raises UsageError: if the folder exists already, or the flavour needs poses that the keyframe
        does not have.
    """
    order = sorted(keyframe.stamps_ns, key=keyframe.stamps_ns.__getitem__)
    first_ns, last_ns = keyframe.stamps_ns[order[0]], keyframe.stamps_ns[order[-1]]
    poses = keyframe.fixed_from_ego or {}
    with open_bag(path, keyframe.rig, first_ns, calibration, flavour) as bag:
        bag.write_set([RecordedImage(name, keyframe.stamps_ns[name], keyframe.jpegs[name],
                                     poses.get(name)) for name in order])
    if keyframe.boxes is not None:
        truth = Truth(keyframe.boxes.stamp_ns, None, keyframe.boxes)
        save_truth([truth], Path(path) / TRUTH_FILE)
    return BagSummary(str(path), 1, len(order), int(keyframe.boxes is not None),
                      (last_ns - first_ns) / 1e9)

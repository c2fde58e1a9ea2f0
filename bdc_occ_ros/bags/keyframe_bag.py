# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Writes a recorded keyframe of a real rig as a bag."""

from pathlib import Path

from bdc_occ_ros.bags import TRUTH_FILE
from bdc_occ_ros.bags.keyframe import Keyframe
from bdc_occ_ros.bags.rig_bag_writer import BagSummary
from bdc_occ_ros.bags.rig_bag_writer import RigBagWriter
from bdc_occ_ros.bags.truth_file import save_truth
from bdc_occ_ros.bags.truth_file import Truth


def write_keyframe_bag(path: str | Path, keyframe: Keyframe, *, calibration: str = 'tf'
                       ) -> BagSummary:
    """
    Write one set of images with its calibration, poses and boxes.

    :param path: Folder to create.
    :param keyframe: What was recorded; images are written byte for byte.
    :param calibration: 'tf' or 'file', see RigBagWriter.
    :raises UsageError: if the folder exists already.
    """
    order = sorted(keyframe.stamps_ns, key=keyframe.stamps_ns.__getitem__)
    first_ns, last_ns = keyframe.stamps_ns[order[0]], keyframe.stamps_ns[order[-1]]
    with RigBagWriter(path, keyframe.rig, calibration=calibration, start_ns=first_ns) as bag:
        for name in order:
            if keyframe.fixed_from_ego is not None:
                bag.write_pose(keyframe.stamps_ns[name], keyframe.fixed_from_ego[name])
            bag.write_image(name, keyframe.stamps_ns[name], keyframe.jpegs[name])
    if keyframe.boxes is not None:
        truth = Truth(keyframe.boxes.stamp_ns, None, keyframe.boxes)
        save_truth([truth], Path(path) / TRUTH_FILE)
    return BagSummary(str(path), 1, len(order), int(keyframe.boxes is not None),
                      (last_ns - first_ns) / 1e9)

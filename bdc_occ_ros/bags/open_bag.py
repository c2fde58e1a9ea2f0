# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Opens a new bag for a rig: as this package likes it, or as a public converter writes it."""

from pathlib import Path

import numpy as np

from bdc_occ_ros.bags.flavour_bag_writer import FlavourBagWriter
from bdc_occ_ros.bags.flavours import Flavour
from bdc_occ_ros.bags.rig_bag_writer import RigBagWriter
from bdc_occ_ros.geometry.camera_rig import CameraRig


def open_bag(path: str | Path, rig: CameraRig, start_ns: int, calibration: str = 'tf',
             flavour: Flavour | None = None, ego_from_lidar: np.ndarray | None = None
             ) -> RigBagWriter | FlavourBagWriter:
    """
    Make a writer, to be used in a with statement.

    :param rig: Calibration of the cameras.
    :param start_ns: Stamp of the first exposure.
    :param calibration: 'tf' or 'file', see RigBagWriter; a flavour writes into the bag what its
        converter does, and 'file' adds the file beside it.
    :param flavour: Converter to imitate, or None.
    :param ego_from_lidar: Mount of the LiDAR whose sweeps will come, (4, 4), metres, or None;
        without a flavour no sweeps are written.
    :raises UsageError: if the folder exists already.
    """
    if flavour is None:
        return RigBagWriter(path, rig, calibration=calibration, start_ns=start_ns)
    return FlavourBagWriter(path, rig, flavour, start_ns=start_ns,
                            has_file=calibration == 'file', ego_from_lidar=ego_from_lidar)

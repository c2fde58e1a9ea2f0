# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""One image as it goes into a bag."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class RecordedImage:
    """
    A compressed image, when it was exposed and where the vehicle was then.

    :param camera: Name of the camera.
    :param stamp_ns: Time of the exposure.
    :param fixed_from_ego: Pose of the vehicle in the odometry frame, (4, 4), metres; None if
        unknown.
    """

    camera: str
    stamp_ns: int
    jpeg: bytes
    fixed_from_ego: np.ndarray | None

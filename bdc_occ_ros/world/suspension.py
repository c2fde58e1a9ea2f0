# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""How a vehicle sways on its springs while it drives: slow sums of sines."""

from dataclasses import dataclass

import numpy as np

from bdc_occ_ros.world.chance import Chance

_TERMS = 3
_PITCH_RAD, _ROLL_RAD, _HEAVE_M = np.radians(0.22), np.radians(0.18), 0.012
_FULL_SPEED_MPS = 6.0


@dataclass(frozen=True, eq=False)
class Sway:
    """
    Pitch, roll and heave over time.

    :param terms: Amplitude, angular rate in rad/s and phase by motion and term, (3, terms, 3).
    """

    terms: np.ndarray

    def ground_from_body(self, time_s: float) -> np.ndarray:
        """
        Return the pose of the swaying body over the ground below it, (4, 4).

        :param time_s: Time since the scene began.
        """
        amplitude, rate, phase = np.moveaxis(self.terms, -1, 0)
        pitch, roll, heave_m = (amplitude * np.sin(rate * time_s + phase)).sum(1)
        about_y = np.array(((np.cos(pitch), 0, np.sin(pitch)), (0, 1, 0),
                            (-np.sin(pitch), 0, np.cos(pitch))))
        about_x = np.array(((1, 0, 0), (0, np.cos(roll), -np.sin(roll)),
                            (0, np.sin(roll), np.cos(roll))))
        pose = np.eye(4)
        pose[:3, :3] = about_y @ about_x
        pose[2, 3] = heave_m
        return pose


def sway(rng: Chance, speed_mps: float) -> Sway:
    """Draw how a vehicle sways; one that stands does not."""
    share = min(1.0, speed_mps / _FULL_SPEED_MPS) / _TERMS ** 0.5
    return Sway(np.array([
        [(limit * share, rng.uniform(1.0, 8.0), rng.uniform(0, 2 * np.pi)) for _ in range(_TERMS)]
        for limit in (_PITCH_RAD, _ROLL_RAD, _HEAVE_M)]))

# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Define every error that bad input can cause; the message of each says the cure."""

MAX_MESSAGE_LENGTH, MAX_QUOTE_LENGTH = 1000, 200  # characters


class BdcOccError(ValueError):
    """
    Serve as the base of all errors; the command line prints one line and exits with 2.

    The message is a line of bounded length, whatever strangers wrote into it.
    """

    def __str__(self) -> str:
        return one_line(super().__str__(), MAX_MESSAGE_LENGTH)


def one_line(text: str, max_length: int = MAX_QUOTE_LENGTH) -> str:
    """Return a text from outside in one line of printable characters, cut to a length."""
    start = ' '.join(text[:4 * max_length].split())
    line = ''.join(letter if letter.isprintable() else '?' for letter in start)
    return line if len(line) <= max_length else f'{line[:max_length - 3]}...'


class UsageError(BdcOccError):
    """Refuse a command that asks for something that cannot be done."""


class MissingDependencyError(BdcOccError):
    """Report that a program or package that this verb needs is not installed."""


class InvalidImageError(BdcOccError):
    """Refuse an image that is truncated, of the wrong size or in an unknown encoding."""


class InvalidCalibrationError(BdcOccError):
    """Refuse intrinsics, distortion or extrinsics that cannot be those of a camera."""


class InvalidPoseError(BdcOccError):
    """Refuse a rigid transform that is not finite or whose rotation is not a rotation."""


class InvalidFrameError(BdcOccError):
    """Refuse images, stamps, rig and poses of one frame that do not fit together."""


class InvalidGridError(BdcOccError):
    """Refuse a voxel grid, or an array that claims to lie on it, of the wrong shape."""


class InvalidBoxesError(BdcOccError):
    """Refuse box arrays that disagree in length or hold impossible values."""


class InvalidConfigError(BdcOccError):
    """Refuse a configuration with an unknown key, a wrong type or an impossible value."""


class InvalidLabelError(BdcOccError):
    """Report that an occupancy label is missing, damaged or not on the grid."""


class InvalidDatasetError(BdcOccError):
    """Refuse a folder that is no nuScenes data set, or lacks what its tables name."""


class NoDatasetError(BdcOccError):
    """Report that no dataset profile fits the topics that are there."""


class InvalidWeightsError(BdcOccError):
    """Refuse weights that do not belong to the network, are damaged or not safe to read."""


class InvalidBagError(BdcOccError):
    """Refuse a bag that cannot be read, or holds something else than its metadata says."""


class NodeFailedError(BdcOccError):
    """Report that the node ended by itself or did not become active."""


class InvalidKeyframeError(BdcOccError):
    """Refuse a folder with a recorded keyframe that lacks a file, or whose file is damaged."""


class TransformUnavailableError(BdcOccError):
    """Report that two frames are not connected, or not at the time asked for."""


class InvalidTransformError(BdcOccError):
    """Refuse a transform without frame names or one that would close a loop."""


class InvalidSnapshotError(BdcOccError):
    """Refuse a snapshot file that is damaged or something else."""


class MeasurementError(BdcOccError):
    """Report that a benchmark could not be carried out."""


class InvalidSettingError(BdcOccError):
    """Refuse the value of an environment variable."""


class KernelBuildError(BdcOccError):
    """Report that the compiler refused the kernels, with its own message."""

    __str__ = ValueError.__str__  # of several lines


class KernelLibraryError(BdcOccError):
    """Refuse a kernel library that is missing, stale or of another version."""


class BackendUnavailableError(BdcOccError):
    """Report that a requested backend is not built in, or cannot run on this machine."""


class InvalidOperationError(BdcOccError):
    """Refuse maps and parameters of a packed operation that do not fit together."""


class FoldingError(BdcOccError):
    """Refuse a unit that cannot be turned into packed parameters."""


class UnsupportedLayerError(BdcOccError):
    """Refuse a layer that has no translation into the arithmetic that was asked for."""


class NonFiniteLossError(BdcOccError):
    """Report that a training step gave an infinite or undefined loss or gradient."""


class InvalidTrainingStateError(BdcOccError):
    """Refuse a saved training that is missing, damaged, unsafe to read or of another run."""


class InvalidReportError(BdcOccError):
    """Refuse a file with scores that is damaged or belongs to something else."""


class InvalidRaysError(BdcOccError):
    """Refuse rays or views that cannot be cast together, or at all."""

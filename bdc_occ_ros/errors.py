# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Name every error that bad input can cause; the message of each says the cure."""


class BdcOccError(ValueError):
    """Base of the package's errors; the command line prints it as one line and exits with 2."""


class UsageError(BdcOccError):
    """A command was asked for something that it cannot do."""


class MissingDependencyError(BdcOccError):
    """A program or package that this verb needs is not installed."""


class InvalidImageError(BdcOccError):
    """An image is truncated, of the wrong size or in an unknown encoding."""


class InvalidCalibrationError(BdcOccError):
    """Intrinsics, distortion or extrinsics cannot be those of a camera."""


class InvalidPoseError(BdcOccError):
    """A rigid transform is not finite or its rotation is not a rotation."""


class InvalidFrameError(BdcOccError):
    """Images, stamps, rig and poses of one frame do not fit together."""


class InvalidGridError(BdcOccError):
    """A voxel grid, or an array that claims to lie on it, has the wrong shape."""


class InvalidBoxesError(BdcOccError):
    """Box arrays disagree in length or hold impossible values."""


class InvalidConfigError(BdcOccError):
    """A configuration file has an unknown key, a wrong type or an impossible value."""


class InvalidLabelError(BdcOccError):
    """An occupancy label is missing, damaged or not on the grid."""


class InvalidDatasetError(BdcOccError):
    """A folder is no nuScenes data set, or lacks what its tables name."""


class NoDatasetError(BdcOccError):
    """No dataset profile fits the topics that are there."""


class InvalidWeightsError(BdcOccError):
    """A weights file does not belong to the network, is damaged or is not safe to read."""


class InvalidBagError(BdcOccError):
    """A bag cannot be read, or holds something else than its metadata says."""


class NodeFailedError(BdcOccError):
    """The node ended by itself or did not become active."""


class InvalidKeyframeError(BdcOccError):
    """A folder with one recorded moment of a rig lacks a file, or a file is damaged."""


class TransformUnavailableError(BdcOccError):
    """Two frames are not connected, or not at the time asked for."""


class InvalidTransformError(BdcOccError):
    """A transform has no frame names or would close the frame tree to a loop."""


class InvalidSnapshotError(BdcOccError):
    """A snapshot file is damaged or is something else."""


class MeasurementError(BdcOccError):
    """A benchmark could not be carried out."""


class InvalidSettingError(BdcOccError):
    """An environment variable has a value that it cannot have."""


class KernelBuildError(BdcOccError):
    """The compiler refused the kernels; the message is the compiler's own."""


class KernelLibraryError(BdcOccError):
    """The library of compiled kernels is missing, stale or of another version."""


class BackendUnavailableError(BdcOccError):
    """The backend that was asked for is not built in, or this machine cannot run it."""


class InvalidOperationError(BdcOccError):
    """The maps and parameters of a packed operation do not fit together."""


class FoldingError(BdcOccError):
    """A unit cannot be turned into packed parameters."""


class UnsupportedLayerError(BdcOccError):
    """A layer has no translation into the arithmetic that was asked for."""


class NonFiniteLossError(BdcOccError):
    """A training step gave a loss or a gradient that is infinite or not a number."""


class InvalidTrainingStateError(BdcOccError):
    """A saved training is missing, damaged, unsafe to read or of another run."""


class InvalidReportError(BdcOccError):
    """A file with scores is damaged, or its scores belong to something else."""


class InvalidRaysError(BdcOccError):
    """Rays or views cannot be cast together, or at all."""

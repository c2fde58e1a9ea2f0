# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Hold the table of the node's parameters, as frozen dataclasses.

What belongs to the weights (grid, classes, input size) is no parameter: it comes with them. The
files config/occ.yaml and doc/parameters.md are printed from here by
`python -m bdc_occ_ros.ros.parameters --yaml` and `--markdown`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Literal

from bdc_occ_ros.classes import GROUND_LABELS, OCCUPANCY_CLASS_NAMES
from bdc_occ_ros.config_file import setting
from bdc_occ_ros.errors import InvalidConfigError
from bdc_occ_ros.geometry.camera_rig import MAX_CAMERAS


@dataclass(frozen=True)
class ModelConfig:
    """Configure which network runs and on what."""

    name: str = setting(
        'bdc_occ_nano_half',
        'Name of a network in config/model_<name>.yaml, or a path to such a file.')
    weights: str = setting(
        '', 'Weights file (.safetensors), packed or not, which brings its own network; empty '
        'takes those that come with the package for model.name, or runs it untrained if there are '
        'none.')
    device: Literal['auto', 'cpu', 'cuda'] = setting(
        'auto', 'Where the network runs; auto takes CUDA where PyTorch has it.')
    confidence: bool = setting(
        False, 'Work out the probability of every label and add it to the cloud; costs time.')
    threads: int = setting(
        0, 'CPU threads of the network; 0 leaves the choice to PyTorch.', limits=(0, 256))
    warmup_iterations: int = setting(
        1, 'Frames computed while configuring, so that the first real one is not slow.',
        limits=(0, 100))


@dataclass(frozen=True)
class CameraConfig:
    """Configure the sources of one camera; NodeConfig puts its name in place of <name>."""

    image: str = setting('camera/<name>/image', 'Topic of raw images.')
    compressed: str = setting(
        'camera/<name>/image/compressed', 'Topic of JPEG or PNG images.')
    info: str = setting('camera/<name>/camera_info', 'Topic of the intrinsics.')
    frame: str = setting('<name>', 'TF frame of the camera.')
    offset_ms: float = setting(
        0.0, 'When the camera fires after the trigger of its set; used by sync.offsets profile.',
        unit='ms', limits=(-1000.0, 1000.0))


@dataclass(frozen=True)
class SyncConfig:
    """Configure how images become sets."""

    mode: Literal['offsets', 'window', 'approximate'] = setting(
        'offsets', 'offsets groups by exposure time less the offset, window by arrival in one '
        'burst, approximate leaves it to message_filters.')
    offsets: Literal['profile', 'auto', 'none'] = setting(
        'auto', 'profile takes camera.<name>.offset_ms, auto learns offsets from the stamps, none '
        'is for cameras that fire together.')
    tolerance_ms: float = setting(
        20.0, 'How far a stamp may lie from its set; below half the shortest trigger gap.',
        unit='ms', limits=(0.001, 1000.0))
    window_ms: float = setting(
        75.0, 'Longest burst in mode window.', unit='ms', limits=(1.0, 10000.0))
    deadline_ms: float = setting(
        100.0, 'How long a set waits for its last camera after its first image.',
        unit='ms', limits=(1.0, 10000.0))
    missing_policy: Literal['drop', 'partial', 'hold'] = setting(
        'partial', 'At the deadline: drop the set, compute it with the cameras that came, or hold '
        'the last image of the others.')
    min_cameras: int = setting(
        1, 'Fewer fresh images than this drop the set under any policy.', limits=(1, MAX_CAMERAS))
    hold_max_age_ms: float = setting(
        500.0, 'Oldest image that the policy hold may use again.', unit='ms',
        limits=(1.0, 10000.0))
    max_groups: int = setting(10, 'Sets that may wait at one time.', limits=(1, 1000))
    max_bytes: int = setting(
        268435456, 'Memory for images that wait.', unit='bytes', limits=(1048576, 17179869184))
    max_rate_hz: float = setting(
        0.0, 'Sets computed per second at most; 0 sets no limit.', unit='Hz', limits=(0.0, 1000.0),
        is_live=True)


@dataclass(frozen=True)
class PublishConfig:
    """Configure which outputs exist; what has no subscribers is not computed either way."""

    occupancy: bool = setting(True, 'Publish occupancy.', is_live=True)
    obstacles: bool = setting(True, 'Publish occupancy/obstacles.', is_live=True)
    grid: bool = setting(True, 'Publish occupancy/grid.', is_live=True)
    markers: bool = setting(
        False, 'Publish occupancy/markers; heavy for RViz, the cloud shows the same.',
        is_live=True)
    detections: bool = setting(True, 'Publish detections.', is_live=True)
    detection_markers: bool = setting(True, 'Publish detections/markers.', is_live=True)
    debug: bool = setting(True, 'Publish the times under ~/debug.', is_live=True)


@dataclass(frozen=True)
class GridConfig:
    """Configure what makes a column of voxels an obstacle on the ground plane."""

    min_height_m: float = setting(
        0.2, 'Lower end of the height band in which obstacles count, in the base frame.',
        unit='m', limits=(-100.0, 100.0), is_live=True)
    max_height_m: float = setting(
        2.2, 'Upper end of the height band.', unit='m', limits=(-100.0, 100.0), is_live=True)
    ground_classes: tuple[str, ...] = setting(
        tuple(OCCUPANCY_CLASS_NAMES[label] for label in GROUND_LABELS),
        'Classes that are ground: never an obstacle, and free where nothing stands on them.')
    class_cost: tuple[str, ...] = setting(
        (), 'Cost of classes in occupancy/grid as class:cost, 0 to 100; without an entry ground '
        'costs 0 and everything else 100.')

    def __post_init__(self) -> None:
        if self.min_height_m >= self.max_height_m:
            raise InvalidConfigError(
                'grid.min_height_m must be below grid.max_height_m; got '
                f'{self.min_height_m} and {self.max_height_m}')
        for entry in self.class_cost:
            name, _, cost = entry.partition(':')
            if not name or not cost.isascii() or not cost.isdigit() or int(cost) > 100:
                raise InvalidConfigError(
                    "grid.class_cost takes entries such as 'terrain:50', costs 0 to 100; got "
                    f'{entry!r}')

    @property
    def costs(self) -> dict[str, int]:
        """Return the cost by class name of the classes that have an entry."""
        pairs = (entry.partition(':') for entry in self.class_cost)
        return {name: int(cost) for name, _, cost in pairs}


@dataclass(frozen=True)
class NodeConfig:
    """Configure the node: all that a user can set."""

    model: ModelConfig = ModelConfig()
    cameras: tuple[str, ...] = setting(
        ('CAM_FRONT_LEFT', 'CAM_FRONT', 'CAM_FRONT_RIGHT', 'CAM_BACK_LEFT', 'CAM_BACK',
         'CAM_BACK_RIGHT'), 'Names of one to eight cameras, in the order of the network.')
    key_camera: str = setting(
        'CAM_FRONT_LEFT', 'Camera whose exposure stamps the output and fixes the ego pose.')
    input_transport: Literal['auto', 'raw', 'compressed'] = setting(
        'auto', 'Which image topics are read; auto takes compressed where it is published.')
    input_qos: Literal['sensor_data', 'reliable', 'system_default'] = setting(
        'sensor_data', 'Quality of service of image and camera_info subscriptions.')
    stamp_source: Literal['auto', 'header', 'receive'] = setting(
        'auto', 'Time of an image: its header, its reception, or auto: the header until a stamp '
        'is zero.')
    sync: SyncConfig = SyncConfig()
    ego_motion: Literal['auto', 'tf', 'odom', 'off'] = setting(
        'auto', 'Where the motion between exposures comes from; auto takes TF, then odometry, '
        'then off, and says so.')
    ego_motion_wait_ms: float = setting(
        100.0, 'How long a set waits for the pose of its last exposure.', unit='ms',
        limits=(0.0, 1000.0))
    base_frame: str = setting('base_link', 'TF frame of the vehicle, x forward, z up.')
    odom_frame: str = setting('odom', 'TF frame that does not move, for ego motion.')
    odom_topic: str = setting('odom', 'Topic of the odometry, for ego motion.')
    output_frame: str = setting(
        '', 'TF frame of every output; empty means base_frame.')
    calibration_file: str = setting(
        '', 'YAML file with intrinsics and mounts; empty takes camera_info and TF.')
    camera_frame_convention: Literal['optical', 'body'] = setting(
        'optical', 'Axes of the TF camera frames: optical has z forward, body has x forward.')
    rectified: bool = setting(
        False, 'Whether the image topics are rectified; then P replaces K and D.')
    undistort: bool = setting(
        True, 'Correct lens distortion; costs nothing where there is none.')
    image_decoding: Literal['reduced', 'exact'] = setting(
        'reduced', 'reduced decodes a JPEG no finer than the network needs, exact at full size.')
    score_threshold: float = setting(
        0.3, 'Least score of a published box.', limits=(0.0, 1.0), is_live=True)
    max_points: int = setting(
        0, 'Most points of a cloud, the nearest ones are kept; 0 sets no limit.',
        limits=(0, 10000000), is_live=True)
    max_markers: int = setting(
        20000, 'Most cubes in occupancy/markers, the nearest ones are kept; 0 sets no limit.',
        limits=(0, 10000000), is_live=True)
    publish: PublishConfig = PublishConfig()
    grid: GridConfig = GridConfig()
    latency_warn_ms: float = setting(
        500.0, 'Latency from exposure to output above which diagnostics warn.', unit='ms',
        limits=(0.0, 60000.0), is_live=True)
    diagnostics_period_s: float = setting(
        1.0, 'Time between diagnostics.', unit='s', limits=(0.05, 60.0))
    snapshot_folder: str = setting(
        '', 'Folder for ~/save_snapshot; empty means the folder where the node was started.')
    autostart: bool = setting(
        True, 'Configure and activate on start without a lifecycle manager.')
    camera: Mapping[str, CameraConfig] = field(default_factory=dict)

    def __post_init__(self) -> None:
        parts = {**dict.fromkeys(self.cameras, CameraConfig()), **self.camera}
        object.__setattr__(self, 'camera', MappingProxyType(
            {name: _with_name(part, name) for name, part in parts.items()}))
        if not 1 <= len(set(self.cameras)) == len(self.cameras) <= MAX_CAMERAS:
            raise InvalidConfigError(
                f'cameras must be 1 to {MAX_CAMERAS} different names; got {list(self.cameras)}')
        if self.key_camera not in self.cameras:
            raise InvalidConfigError(
                f'key_camera must be one of {list(self.cameras)}; got {self.key_camera!r}')
        if self.sync.min_cameras > len(self.cameras):
            raise InvalidConfigError(
                f'sync.min_cameras must not exceed the {len(self.cameras)} cameras; got '
                f'{self.sync.min_cameras}')

    @property
    def frame(self) -> str:
        """Return the frame of every output."""
        return self.output_frame or self.base_frame


def _with_name(part: CameraConfig, name: str) -> CameraConfig:
    return replace(part, **{key: value.replace('<name>', name)
                            for key, value in vars(part).items() if isinstance(value, str)})

# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Predict occupancy and boxes from a frame of images: one call, free of ROS.

    predictor = Predictor('bdc_occ_nano')
    occupancy, boxes = predictor(frame)
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
import time
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from bdc_occ_ros.datatypes import Boxes, Frame, Occupancy
from bdc_occ_ros.geometry.camera_rig import Camera, CameraRig
from bdc_occ_ros.geometry.preprocessing import decode_reduction, normalize_images
from bdc_occ_ros.geometry.rig_geometry import GeometryCache, RigGeometry
from bdc_occ_ros.network.box_decoding import decode_boxes
from bdc_occ_ros.network.config import NetworkConfig
from bdc_occ_ros.network.network import NetworkPrediction
from bdc_occ_ros.weights.loading import load_network

PLACES = np.indices((3, 3, 3)).reshape(3, -1).T / 2 - 0.5  # corners, middles and centre of a box


class Prediction(NamedTuple):
    """
    Hold what was found in a frame, in the ego frame of the key camera's exposure.

    :param occupancy: The voxel grid, or None if the network has no occupancy head.
    :param boxes: The objects, or None if the network has no box head.
    """

    occupancy: Occupancy | None
    boxes: Boxes | None


class TimedPrediction(NamedTuple):
    """
    Hold a prediction and how long it took.

    :param timings_ms: Duration of 'preprocess', 'inference' and 'postprocess'.
    """

    prediction: Prediction
    timings_ms: Mapping[str, float]


class Predictor:
    """
    Run a network on frames of any rig of one to eight cameras.

    It keeps no state between frames but the geometry of recent calibrations. One thread at a
    time may use it.

    :param model: Name of a config, whose weights are those that come with the package if there
        are any; path of a config file, path of a weights file or of a packed file, or a config.
    :param device: cpu, cuda, or auto (cuda if there is one; the choice is logged); a packed file
        runs on the CPU.
    :param seed: Of the random weights where none are given; then `is_trained` is False.
    :param with_confidence: Whether to work out the probability of every voxel's label.
    :raises InvalidConfigError: if the config is unknown or wrong.
    :raises InvalidWeightsError: if the weights file cannot be used.
    :raises UsageError: if the device is unknown, not there, or cannot run a packed file.
    :raises BdcOccError: if the kernels for a packed file cannot be used.
    """

    def __init__(self, model: str | Path | NetworkConfig, *, device: str = 'cpu', seed: int = 0,
                 with_confidence: bool = False) -> None:
        (self.network, self.is_trained, self.device, self.backend,
         self.weights_sha256) = load_network(model, device, seed)
        self.config: NetworkConfig = self.network.config
        self._geometries = GeometryCache(self.config.frustum)
        self._with_confidence = with_confidence

    def __call__(self, frame: Frame) -> Prediction:
        """
        Compute occupancy and boxes.

        :param frame: Images of any of its rig's cameras, the calibrations, and the ego poses;
            every camera is lifted with its own ego pose into that of the key camera, or into
            the one in which the frame wants the output.
        :return: Occupancy and boxes, stamped like the frame. Cells that no contributing camera
            sees are not `observed`, and boxes of which none sees a corner, the middle of an edge
            or side, or the centre are left out.
        """
        return self.run(frame).prediction

    @torch.inference_mode()
    def run(self, frame: Frame) -> TimedPrediction:
        """
        Compute occupancy and boxes, and measure how long each step took.

        :param frame: As for a call of the predictor.
        """
        timings_ms: dict[str, float] = {}
        geometry = self._geometries.of(frame.rig, tuple(frame.images))
        motion = key_ego_from_ego(frame)
        with self._timed('preprocess', timings_ms):
            images = self._input_images(frame, geometry)
            ray_points_m = geometry.rays.in_key_ego(motion).to(self.device)
        with self._timed('inference', timings_ms):
            output = self.network.predict(images[None], ray_points_m[None],
                                           with_confidence=self._with_confidence)
        with self._timed('postprocess', timings_ms):
            prediction = self._decoded(output, frame.stamp_ns, geometry, motion)
        return TimedPrediction(prediction, timings_ms)

    def warm_up(self, rig: CameraRig) -> None:
        """
        Run once on black images, so that the first frame is as quick as the others.

        :param rig: Every camera at the size in which its images will come.
        """
        images = {camera.name: np.zeros((camera.height_px, camera.width_px, 3), dtype=np.uint8)
                  for camera in rig.cameras}
        self(Frame(images, dict.fromkeys(images, 0), rig, stamp_ns=0))

    def prepare(self, camera: Camera) -> None:
        """Work out what follows from one calibration, at the size in which its images come."""
        self._geometries.prepare(camera)

    def decode_reduction(self, camera: Camera) -> int:
        """
        Return by what factor a JPEG of a camera may be reduced while it is decoded.

        :param camera: The camera at full size.
        :return: 8, 4, 2 or 1: the largest after which the image still fills the network input.
            The frame's rig then needs `Camera.resized`.
        """
        return decode_reduction(camera, self.config.image)

    def _input_images(self, frame: Frame, geometry: RigGeometry) -> Tensor:
        """Return the network input of the contributing cameras, (N, 3, H, W) float32."""
        images = np.stack([preprocess(image) for preprocess, image
                           in zip(geometry.preprocessors, frame.images.values())])
        return normalize_images(torch.from_numpy(images).to(self.device), self.config.image)

    def _decoded(self, output: NetworkPrediction, stamp_ns: int, geometry: RigGeometry,
                 motion: np.ndarray | None) -> Prediction:
        """Turn labels and maps into an occupancy grid and boxes."""
        occupancy = boxes = None
        if output.voxels is not None:
            grid = self.config.voxel_grid()
            labels, confidence = (None if values is None else values[0].cpu().numpy()
                                  for values in output.voxels)
            occupancy = Occupancy(
                grid, labels, geometry.observed_cells(grid, motion),
                self.config.occupancy.class_names, self.config.occupancy.free_label, stamp_ns,
                confidence)
        if output.box_maps is not None:
            boxes = decode_boxes(output.box_maps, self.config, stamp_ns)
            points_m = boxes.points_m(PLACES)
            seen = geometry.observed_points(points_m.reshape(-1, 3), motion)
            boxes = boxes.only(seen.reshape(points_m.shape[:2]).any(axis=1))
        return Prediction(occupancy, boxes)

    @contextmanager
    def _timed(self, step: str, timings_ms: dict[str, float]) -> Iterator[None]:
        """Measure how long the body took, work on the device included."""
        start_s = time.perf_counter()
        yield
        if self.device.type == 'cuda':
            torch.cuda.synchronize(self.device)
        timings_ms[step] = (time.perf_counter() - start_s) * 1e3


def key_ego_from_ego(frame: Frame) -> np.ndarray | None:
    """
    Return how the vehicle moved between each camera's exposure and the key camera's.

    Where the frame wants its output in another ego frame, that one takes the key camera's place.

    :param frame: Frame with or without ego poses.
    :return: Per image, in the order of `frame.images`, (N, 4, 4) float64; None without poses.
    """
    if frame.fixed_from_ego is None:
        return None
    fixed_from_key_ego = (frame.fixed_from_ego[frame.rig.key_camera]
                          if frame.fixed_from_output is None else frame.fixed_from_output)
    key_ego_from_fixed = np.linalg.inv(fixed_from_key_ego)
    return np.stack([key_ego_from_fixed @ frame.fixed_from_ego[name] for name in frame.images])

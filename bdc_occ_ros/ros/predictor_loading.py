# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Load PyTorch and the network when the node is configured, and say what is missing."""

import sys
from typing import TYPE_CHECKING

import numpy as np

from bdc_occ_ros.errors import MissingDependencyError
from bdc_occ_ros.geometry.camera_rig import Camera, CameraRig
from bdc_occ_ros.ros.conversions import BODY_FROM_OPTICAL
from bdc_occ_ros.ros.node_config import ModelConfig

if TYPE_CHECKING:
    from bdc_occ_ros.predictor import Predictor


def load_predictor(model: ModelConfig) -> 'Predictor':
    """
    Build the network and load its weights.

    :param model: Which network, on what device, with how many threads.
    :raises MissingDependencyError: if this interpreter has no PyTorch.
    :raises BdcOccError: if the network or its weights cannot be used.
    """
    try:
        import torch
    except ImportError as error:
        raise MissingDependencyError(
            f'{sys.executable} cannot import PyTorch ({error}). Install it for this very '
            f'interpreter: {sys.executable} -m pip install torch; or build the package with the '
            'interpreter of an environment that has it: python -m colcon build') from error
    from bdc_occ_ros.predictor import Predictor
    if model.threads:
        torch.set_num_threads(model.threads)
    return Predictor(model.weights or model.name, device=model.device,
                     with_confidence=model.confidence)


def warm_up(predictor: 'Predictor', cameras: tuple[str, ...], iterations: int) -> None:
    """Run the network on cameras that look ahead, so that the first real set is not slow."""
    image = predictor.config.image
    intrinsics = np.array([[0.7 * image.width_px, 0.0, 0.5 * image.width_px],
                           [0.0, 0.7 * image.width_px, 0.5 * image.height_px], [0.0, 0.0, 1.0]])
    rig = CameraRig(
        tuple(Camera(name, image.width_px, image.height_px, intrinsics, BODY_FROM_OPTICAL)
              for name in cameras), cameras[0])
    for _ in range(iterations):
        predictor.warm_up(rig)

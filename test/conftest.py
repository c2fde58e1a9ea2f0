# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A small network, a well-known rig, a small data set, and real keyframes where they are there."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
import os
from pathlib import Path
import resource

import numpy as np
import pytest
import torch
from torch import nn

from bdc_occ_ros.binary.layers import ChannelBias, Redistribution
from bdc_occ_ros.geometry.calibration_file import load_calibration
from bdc_occ_ros.geometry.camera_rig import Camera, CameraRig
from bdc_occ_ros.kernels.native import NativeBackend
from bdc_occ_ros.kernels.selection import REFERENCE, supported_backends
from bdc_occ_ros.share import share_path
from bdc_occ_ros.world.scene import Scene

RESOURCES = Path(__file__).parent / 'resources'
# Camera axes (right, down, forward) in the ego axes (forward, left, up), looking ahead.
EGO_FROM_FORWARD_CAMERA = np.array(((0.0, 0.0, 1.0), (-1.0, 0.0, 0.0), (0.0, -1.0, 0.0)))
# The networks here are so small that a second thread costs more than it does, above all where
# others use the processor as well; programs that are run do as this one.
os.environ.setdefault('OMP_NUM_THREADS', '1')
torch.set_num_threads(1)


# What setup.py lists as extras, and ROS; a test that needs such a package is skipped without it.
OPTIONAL = {'rclpy', 'rosbags', 'rerun', 'nuscenes', 'matplotlib', 'onnx', 'onnxruntime',
            'openvino'}


class ModuleOfOptionalPackages(pytest.Module):
    """A test file that is skipped where it imports a package that is not here."""

    def collect(self):
        try:
            return super().collect()
        except self.CollectError as error:
            package = (getattr(error.__cause__, 'name', None) or '').partition('.')[0]
            if package not in OPTIONAL and not package.endswith(('_msgs', '_interfaces')):
                raise
            pytest.skip(f'{package} is not installed', allow_module_level=True)


def pytest_pycollect_makemodule(module_path, parent):
    """Let every test file say which package it lacks."""
    return ModuleOfOptionalPackages.from_parent(parent, path=module_path)


@pytest.fixture(scope='session')
def tiny_model() -> Path:
    """Return the config file of a network that runs in a few milliseconds."""
    return RESOURCES / 'model_tiny.yaml'


@pytest.fixture(scope='session')
def nuscenes_rig() -> CameraRig:
    """Return six cameras of 1600x900 all around a vehicle."""
    return load_calibration(share_path('config', 'calibration_nuscenes_n015.yaml'))


@pytest.fixture(scope='session')
def moving_seed() -> int:
    """Return the first made-up scene in which the vehicle does not stand still."""
    def travelled_m(seed: int) -> float:
        start, end = (Scene.from_seed(seed).world_from_ego(time_s) for time_s in (1.0, 2.0))
        return float(np.linalg.norm(end[:3, 3] - start[:3, 3]))
    return next(seed for seed in range(30) if travelled_m(seed) > 5.0)


@pytest.fixture(scope='session')
def forward_camera() -> Camera:
    """Return a camera 1.5 m above the origin that looks straight ahead, 96x64, 90 degrees."""
    mount = np.eye(4)
    mount[:3, :3] = EGO_FROM_FORWARD_CAMERA
    mount[:3, 3] = 0.0, 0.0, 1.5
    return Camera('CAM_FRONT', 96, 64, np.array(((48.0, 0, 48), (0, 48, 32), (0, 0, 1))), mount)


@pytest.fixture(scope='session')
def as_if_trained() -> Callable[[nn.Module, int], nn.Module]:
    """Return what moves the parameters of a module off their start, where many signs are ties."""
    def move(module: nn.Module, seed: int) -> nn.Module:
        generator = torch.Generator().manual_seed(seed)
        with torch.no_grad():
            for part in module.modules():
                if isinstance(part, Redistribution):
                    part.b.normal_(0, 0.2, generator=generator)
                    if part.k is not None:
                        part.k.uniform_(-1.5, 1.5, generator=generator)
                elif isinstance(part, ChannelBias):
                    part.bias.normal_(0, 0.2, generator=generator)
                elif isinstance(part, nn.PReLU):
                    part.weight.uniform_(-0.3, 0.6, generator=generator)
                elif isinstance(part, nn.BatchNorm2d):
                    part.bias.normal_(0, 0.2, generator=generator)
                    part.running_mean.normal_(0, 0.2, generator=generator)
                    part.running_var.uniform_(0.5, 1.5, generator=generator)
        return module.eval()
    return move


@pytest.fixture(scope='session')
def native_backends() -> list[NativeBackend]:
    """Return every backend of this processor, on one thread and on two; or skip."""
    names = [name for name in supported_backends() if name != REFERENCE]
    if not names:
        pytest.skip('the kernels are not built')
    return [NativeBackend(name, threads) for name in names for threads in (1, 2)]


@pytest.fixture(scope='session')
def small_rig(nuscenes_rig) -> CameraRig:
    """Return the same six cameras with images of 160x90."""
    return nuscenes_rig.resized(160, 90)


@pytest.fixture(scope='session')
def made_dataroot(small_rig, tmp_path_factory) -> Path:
    """Return a data set of two made-up scenes with labels."""
    from made_scenes import write_dataroot
    dataroot = tmp_path_factory.mktemp('made')
    write_dataroot(dataroot, small_rig)
    return dataroot


@pytest.fixture(scope='session')
def swept_dataroot(small_rig, tmp_path_factory) -> Path:
    """Return a data set of one made-up scene of six samples with all sweeps between them."""
    from made_scenes import write_swept_scene
    dataroot = tmp_path_factory.mktemp('swept')
    write_swept_scene(dataroot, small_rig, num_samples=6)
    return dataroot


@pytest.fixture(scope='session')
def data_folder() -> Path:
    """Return the folder of the real keyframes, or skip."""
    folder = os.environ.get('BDC_OCC_TEST_DATA')
    if not folder:
        pytest.skip('BDC_OCC_TEST_DATA is not set: no real keyframes here')
    return Path(folder)


@pytest.fixture
def small_files() -> Callable[[int], AbstractContextManager[None]]:
    """Return what ends files at a number of bytes while a block lasts, as a full disk does."""
    @contextmanager
    def limited(num_bytes: int) -> Iterator[None]:
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (num_bytes, before[1]))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
    return limited

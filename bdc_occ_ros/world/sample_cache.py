# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Samples that were made once, kept as files, for training that goes over them several times."""

from collections.abc import Sequence
import json
from pathlib import Path
import zipfile
import zlib

import numpy as np
import torch

from bdc_occ_ros.camera_rig import CameraRig
from bdc_occ_ros.config import NetworkConfig
from bdc_occ_ros.errors import InvalidDatasetError
from bdc_occ_ros.training.batch import TrainingBatch
from bdc_occ_ros.training.batch import TrueBoxes

SETTINGS_FILE = 'settings.json'
TENSORS = ('images', 'input_from_camera', 'key_ego_from_camera', 'semantics', 'depths_m')

SampleName = tuple[int, int]


class SampleCache:
    """
    A folder of samples, one file each, by the seed of the scene and the step of the keyframe.

    :param folder: Made if it does not exist.
    :param config: What the network wants to see.
    :param rigs: Vehicles.
    :raises InvalidDatasetError: if the folder holds samples of other sizes or vehicles.
    """

    def __init__(self, folder: Path, config: NetworkConfig, rigs: Sequence[CameraRig]) -> None:
        self._folder = Path(folder)
        settings = {'height_px': config.image.height_px, 'width_px': config.image.width_px,
                    'feature_stride': config.feature_stride,
                    'cameras': [[camera.intrinsics.tolist() for camera in rig.cameras]
                                for rig in rigs]}
        file = self._folder / SETTINGS_FILE
        if not file.exists():
            self._folder.mkdir(parents=True, exist_ok=True)
            _write(file, json.dumps(settings).encode())
        try:
            found = json.loads(file.read_text())
        except (OSError, ValueError) as error:
            raise InvalidDatasetError(f'{file}: cannot be read: {error}') from error
        if found != settings:
            raise InvalidDatasetError(
                f'{self._folder} holds samples of another image size or other vehicles than '
                f'{config.image.width_px}x{config.image.height_px} of {len(rigs)} rigs; give '
                'another folder, or delete it')

    def __contains__(self, name: SampleName) -> bool:
        return self._path(name).exists()

    def keep(self, names: Sequence[SampleName], batch: TrainingBatch) -> None:
        """
        Write samples.

        :param names: Their seeds and steps.
        :param batch: The samples, on any device, with depths.
        """
        batch = batch.to('cpu')
        for row, name in enumerate(names):
            arrays = {key: getattr(batch, key)[row].numpy() for key in TENSORS}
            path = self._path(name)
            partial = path.with_suffix('.partial')
            with partial.open('wb') as file:
                np.savez_compressed(
                    file, **arrays, observed=np.packbits(batch.observed[row].numpy()),
                    boxes=batch.boxes[row].boxes.numpy(), labels=batch.boxes[row].labels.numpy())
            partial.replace(path)

    def load(self, names: Sequence[SampleName]) -> TrainingBatch:
        """
        Read samples.

        :param names: Their seeds and steps.
        :raises InvalidDatasetError: if a file is missing or damaged.
        """
        found = [self._read(self._path(name)) for name in names]
        images, input_from_camera, poses, semantics, depths_m = (
            torch.from_numpy(np.stack([sample[key] for sample in found])) for key in TENSORS)
        observed = np.stack([np.unpackbits(sample['observed']).reshape(sample['semantics'].shape)
                             for sample in found])
        boxes = [TrueBoxes(torch.from_numpy(sample['boxes']), torch.from_numpy(sample['labels']))
                 for sample in found]
        return TrainingBatch(images, input_from_camera, poses, semantics,
                             torch.from_numpy(observed).bool(), boxes, depths_m)

    def _path(self, name: SampleName) -> Path:
        seed, step = name
        return self._folder / f'{seed:06d}_{step:02d}.npz'

    @staticmethod
    def _read(path: Path) -> dict[str, np.ndarray]:
        try:
            with path.open('rb') as file:
                return dict(np.load(file, allow_pickle=False))
        except (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
            raise InvalidDatasetError(f'{path}: no sample: {error}; delete it') from error


def _write(path: Path, data: bytes) -> None:
    """Write a file so that it is there whole or not at all."""
    partial = path.with_suffix('.partial')
    partial.write_bytes(data)
    partial.replace(path)

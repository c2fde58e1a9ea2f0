# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Load keyframes of made-up drives into training, rendered as the network takes them."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from threading import Lock

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import max_pool2d

from bdc_occ_ros.dataset.batch import TrainingBatch, TrueBoxes
from bdc_occ_ros.dataset.sample_cache import SampleCache
from bdc_occ_ros.errors import UsageError
from bdc_occ_ros.geometry.camera_rig import CameraRig, MAX_CAMERAS
from bdc_occ_ros.geometry.frustum import Frustum, ImageConfig
from bdc_occ_ros.geometry.preprocessing import input_from_image
from bdc_occ_ros.world.keyframes import KeyframeBatch, Objects
from bdc_occ_ros.world.scene import Scene
from bdc_occ_ros.world.seeds import sources_fingerprint
from bdc_occ_ros.world.sensor_timing import SensorTiming
from bdc_occ_ros.world.variety import PLAIN, varied_rig, Variety
from bdc_occ_ros.world.voxelization import GRID

KEYFRAME_PERIOD_S = 0.5
KEYFRAMES_PER_SCENE = 40
SCENES_KEPT = 1024  # some 2.5 MB each; to make one anew takes as long as several samples
GIVEN_RIG_PERIOD = 4  # of scenes, where rigs are varied
RENDERED_AT_ONCE = {'cpu': 1, 'cuda': 32}
KEPT_TENSORS = ('images', 'input_from_camera', 'key_ego_from_camera', 'semantics', 'depths_m')


class WorldSource:
    """
    Render training samples of drives that follow from seeds, without a disk.

    The samples of one scene have consecutive numbers and spread over its whole drive; the rigs
    take turns by seed, unless they are varied: then most scenes have their own, with as many rows
    of pixels as its cameras have. Several threads may load at once.

    :param frustum: Image size and feature stride of the network.
    :param keyframes_per_scene: Up to 40, which is one every half second.
    :param cache: Folder that keeps samples once they are made; None to make them anew every time.
        Samples from other sources of the world are left alone.
    :raises UsageError: if there are no seeds or rigs, or more keyframes than a drive has.
    """

    def __init__(self, seeds: Sequence[int], frustum: Frustum, rigs: Sequence[CameraRig],
                 keyframes_per_scene: int = KEYFRAMES_PER_SCENE, cache: Path | None = None,
                 variety: Variety = PLAIN) -> None:
        if not seeds or not rigs or not 1 <= keyframes_per_scene <= KEYFRAMES_PER_SCENE:
            raise UsageError(
                f'seeds, rigs and 1 to {KEYFRAMES_PER_SCENE} keyframes per scene are needed; got '
                f'{len(seeds)}, {len(rigs)} and {keyframes_per_scene}')
        self._seeds, self._frustum, self._rigs = tuple(seeds), frustum, tuple(rigs)
        self._per_scene, self._variety = keyframes_per_scene, variety
        self._scenes: dict[int, Scene] = {}
        self._lock = Lock()
        self._cache = None if cache is None else SampleCache(cache, (
            frustum.image, frustum.feature_stride, [rig.fingerprint for rig in self._rigs],
            variety, sources_fingerprint()))

    def __len__(self) -> int:
        return len(self._seeds) * self._per_scene

    def load(self, numbers: Sequence[int], device: torch.device) -> TrainingBatch:
        """
        Load samples from the cache, or make them.

        :param device: Where the batch is wanted, and where what is missing is rendered.
        :raises InvalidDatasetError: if a file of the cache is damaged.
        """
        device = torch.device(device)
        step = RENDERED_AT_ONCE[device.type]
        if self._cache is None:
            return joined([self._made(numbers[start:start + step], device)
                           for start in range(0, len(numbers), step)])
        return joined([batch_of(self._kept(self._cache, number, device)) for number in numbers]
                      ).to(device)

    def scene_of(self, number: int) -> str:
        """Return the seed of a sample's scene, as text."""
        return str(self._seed_and_step(number)[0])

    def timing(self, number: int) -> SensorTiming:
        """Return the times and poses of the sensors of a sample."""
        seed, step = self._seed_and_step(number)
        return SensorTiming(self._scene(seed), self._cameras(seed)[0], step * KEYFRAME_PERIOD_S)

    def _cameras(self, seed: int) -> tuple[CameraRig, ImageConfig]:
        """Return the cameras of a scene and the size of their images."""
        if self._variety.rigs and seed % GIVEN_RIG_PERIOD:
            return varied_rig(seed, self._frustum.image)
        return self._rigs[seed % len(self._rigs)], self._frustum.image

    def _seed_and_step(self, number: int) -> tuple[int, int]:
        """Return the seed of a sample and its place among the 40 keyframes of the drive."""
        scene, keyframe = divmod(number, self._per_scene)
        return self._seeds[scene], keyframe * KEYFRAMES_PER_SCENE // self._per_scene

    def _kept(self, cache: SampleCache, number: int, device: torch.device
              ) -> dict[str, np.ndarray]:
        seed, step = self._seed_and_step(number)
        return cache.get(f'{seed:06d}_{step:02d}', lambda: arrays_of(self._made([number], device)))

    def _scene(self, seed: int) -> Scene:
        """Return a scene; the least recently used one makes room."""
        with self._lock:
            scene = self._scenes.pop(seed, None)
        scene = scene or Scene.from_seed(seed, self._variety)
        with self._lock:
            self._scenes[seed] = scene
            if len(self._scenes) > SCENES_KEPT:
                del self._scenes[next(iter(self._scenes))]
        return scene

    def _made(self, numbers: Sequence[int], device: torch.device) -> TrainingBatch:
        image = self._cameras(self._seed_and_step(numbers[0])[0])[1]
        batch = KeyframeBatch.of([self.timing(number) for number in numbers], device)
        input_from_camera = np.stack([
            [input_from_image(camera, image) @ camera.intrinsics for camera in timing.rig.cameras]
            for timing in batch.timings])
        noise_seeds = [(seed * KEYFRAMES_PER_SCENE + step) * MAX_CAMERAS + camera
                       for seed, step in map(self._seed_and_step, numbers)
                       for camera in range(input_from_camera.shape[1])]
        rendering = batch.images(input_from_camera, (image.height_px, image.width_px), noise_seeds)
        world_from_key = np.stack([timing.world_from_key_ego for timing in batch.timings])
        truth = batch.truth(world_from_key)
        key_from_world = np.linalg.inv(world_from_key)
        poses = key_from_world[:, None] @ batch.world_from_cameras
        size = (len(numbers), -1)
        return TrainingBatch(
            rendering.images.unflatten(0, size), torch.from_numpy(input_from_camera).to(device),
            torch.from_numpy(poses).to(device), truth.classes, truth.observed,
            [boxes_in_grid(*parts, device)
             for parts in zip(truth.objects, truth.seen, key_from_world)],
            nearest_m(rendering.inverse_depth_per_m, self._frustum.feature_stride
                      ).unflatten(0, size))


def nearest_m(inverse_depth_per_m: Tensor, feature_stride: int) -> Tensor:
    """Return the least depth per feature cell, (V, h, w), metres; 0 where there is only sky."""
    nearest = max_pool2d(inverse_depth_per_m[:, None], feature_stride)[:, 0]
    return torch.where(nearest > 0, nearest.clamp(min=1e-6).reciprocal(), 0.0)


def joined(batches: Sequence[TrainingBatch]) -> TrainingBatch:
    """Concatenate batches with depths, on one device."""
    tensors = {name: torch.cat([getattr(batch, name) for batch in batches])
               for name in (*KEPT_TENSORS, 'observed')}
    return TrainingBatch(boxes=[boxes for batch in batches for boxes in batch.boxes], **tensors)


def arrays_of(batch: TrainingBatch) -> dict[str, np.ndarray]:
    """Return a batch of one sample as the arrays that the cache keeps."""
    batch = batch.to('cpu')
    return {name: getattr(batch, name)[0].numpy() for name in KEPT_TENSORS} | {
        'observed': np.packbits(batch.observed[0].numpy()),
        'boxes': batch.boxes[0].boxes.numpy(), 'labels': batch.boxes[0].labels.numpy()}


def batch_of(arrays: Mapping[str, np.ndarray]) -> TrainingBatch:
    """Return the batch of one sample, on the CPU, that arrays_of() was given."""
    tensors = {name: torch.from_numpy(arrays[name])[None] for name in KEPT_TENSORS}
    observed = np.unpackbits(arrays['observed']).reshape(tensors['semantics'].shape)
    boxes = TrueBoxes(torch.from_numpy(arrays['boxes']), torch.from_numpy(arrays['labels']))
    return TrainingBatch(boxes=[boxes], observed=torch.from_numpy(observed).bool(), **tensors)


def boxes_in_grid(objects: Objects, seen: np.ndarray, key_from_world: np.ndarray,
                  device: torch.device) -> TrueBoxes:
    """
    Return the objects within the grid that a camera sees, in the ego frame of the key camera.

    :param seen: Share of each object that is not hidden, (K,).
    :param key_from_world: Pose of the world in that frame, (4, 4), metres.
    """
    poses = key_from_world @ objects.world_from_box
    centers_m = poses[:, :3, 3]
    is_near = ((centers_m[:, :2] >= GRID.lower_m[:2])
               & (centers_m[:, :2] < GRID.upper_m[:2])).all(axis=1)
    kept = np.flatnonzero(is_near & (seen > 0))
    yaws_rad = np.arctan2(poses[kept, 1, 0], poses[kept, 0, 0])
    velocities_mps = objects.velocity_mps[kept] @ key_from_world[:2, :2].T
    values = np.concatenate([centers_m[kept], objects.size_m[kept], yaws_rad[:, None],
                             velocities_mps], axis=1)
    return TrueBoxes(torch.from_numpy(values).float().to(device),
                     torch.from_numpy(objects.label[kept]).to(device))

# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Samples as plain arrays, as files keep them, and back."""

from collections.abc import Mapping, Sequence

import numpy as np
import torch

from bdc_occ_ros.dataset.batch import TrainingBatch, TrueBoxes

TENSORS = ('images', 'input_from_camera', 'key_ego_from_camera', 'semantics', 'depths_m')


def arrays_of(batch: TrainingBatch) -> dict[str, np.ndarray]:
    """
    Return one sample as arrays.

    :param batch: A batch of one, with depths, on any device.
    """
    batch = batch.to('cpu')
    return {name: getattr(batch, name)[0].numpy() for name in TENSORS} | {
        'observed': np.packbits(batch.observed[0].numpy()),
        'boxes': batch.boxes[0].boxes.numpy(), 'labels': batch.boxes[0].labels.numpy()}


def batch_of(samples: Sequence[Mapping[str, np.ndarray]]) -> TrainingBatch:
    """
    Return samples as a batch on the CPU.

    :param samples: What arrays_of gave for each.
    """
    images, input_from_camera, poses, semantics, depths_m = (
        torch.from_numpy(np.stack([sample[name] for sample in samples])) for name in TENSORS)
    observed = np.stack([np.unpackbits(sample['observed']).reshape(sample['semantics'].shape)
                         for sample in samples])
    boxes = [TrueBoxes(torch.from_numpy(sample['boxes']), torch.from_numpy(sample['labels']))
             for sample in samples]
    return TrainingBatch(images, input_from_camera, poses, semantics,
                         torch.from_numpy(observed).bool(), boxes, depths_m)

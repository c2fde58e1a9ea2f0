# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Other images come with their own cameras and with the truth of the sample asked for."""

import numpy as np
import torch

from bdc_occ_ros.training.batch import TrainingBatch
from bdc_occ_ros.training.batch import TrueBoxes
from bdc_occ_ros.training.source_controls import labels_of
from bdc_occ_ros.training.source_controls import OtherImagesSource


class NumberedSource:
    """Samples that are filled with their numbers."""

    def __len__(self):
        return 6

    def load(self, numbers, device):
        def filled(*shape, dtype):
            tensors = [torch.full(shape, number, dtype=dtype) for number in numbers]
            return torch.stack(tensors).to(device)
        return TrainingBatch(
            filled(1, 2, 2, 3, dtype=torch.uint8), filled(1, 3, 3, dtype=torch.float64),
            filled(1, 4, 4, dtype=torch.float64), filled(2, 2, 2, dtype=torch.uint8),
            filled(2, 2, 2, dtype=torch.uint8) % 2 == 0,
            [TrueBoxes(torch.full((1, 9), float(number)), torch.tensor([number]))
             for number in numbers], filled(1, 1, 1, dtype=torch.float32))


def test_images_and_cameras_move_on_and_the_truth_stays():
    batch = OtherImagesSource(NumberedSource(), 2).load([1, 5], torch.device('cpu'))
    for name in ('images', 'input_from_camera', 'key_ego_from_camera', 'depths_m'):
        assert [float(part.flatten()[0]) for part in getattr(batch, name)] == [3, 1], name
    assert batch.semantics[:, 0, 0, 0].tolist() == [1, 5]
    assert not batch.observed.any()
    assert [int(boxes.labels[0]) for boxes in batch.boxes] == [1, 5]


def test_labels_come_in_the_order_of_the_numbers():
    labels = list(labels_of(NumberedSource(), [4, 1, 2], batch=2))
    assert [int(semantics[0, 0, 0]) for semantics, _ in labels] == [4, 1, 2]
    assert [bool(observed.all()) for _, observed in labels] == [True, False, True]
    assert all(isinstance(semantics, np.ndarray) for semantics, _ in labels)

# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Labels and confidence from known scores."""

import numpy as np
import pytest
import torch

from bdc_occ_ros.network.bev_to_occupancy import decode_labels


@pytest.mark.parametrize('order', [(0, 1, 2, 3), (3, 2, 1, 0)])
def test_labels_are_the_highest_scores_in_any_memory_order(order):
    stored = torch.randn(*(np.array((5, 4, 3, 18))[list(order)]),
                         generator=torch.Generator().manual_seed(0))
    logits = stored.permute(*np.argsort(order).tolist())
    labels, confidence = decode_labels(logits, with_confidence=False)
    assert labels.shape == (5, 4, 3) and labels.dtype == torch.uint8 and confidence is None
    np.testing.assert_array_equal(labels, logits.numpy().argmax(-1))


def test_confidence_is_the_probability_of_the_label():
    logits = torch.randn(5, 4, 3, 18, generator=torch.Generator().manual_seed(1))
    labels, confidence = decode_labels(logits, with_confidence=True)
    probabilities = logits.softmax(-1).numpy()
    expected = np.take_along_axis(probabilities, labels[..., None].numpy().astype(int), -1)[..., 0]
    np.testing.assert_allclose(confidence, expected, rtol=1e-5)
    assert confidence.dtype == torch.float32

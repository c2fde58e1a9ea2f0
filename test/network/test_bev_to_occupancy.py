# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Labels and confidence from known scores."""

import numpy as np
import pytest
import torch

from bdc_occ_ros.network.bev_to_occupancy import build_occupancy_head, decode_labels
from bdc_occ_ros.network.config import load_network_config


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


@pytest.mark.parametrize('name', ('model_tiny.yaml', 'model_tiny_published.yaml'))
def test_scores_of_some_columns_are_those_of_the_whole(tiny_model, name):
    config = load_network_config(tiny_model.with_name(name))
    torch.manual_seed(0)
    head = build_occupancy_head(config).eval()
    (rows, columns), stride = config.bev.shape, 2 if config.published is None else 1
    bev = torch.randn(2, config.feature_channels, rows // stride, columns // stride)
    chosen = torch.rand(2, columns, rows) < 0.1
    with torch.no_grad():
        whole, some = head(bev), head(bev, columns=chosen)
    assert some.shape == (int(chosen.sum()), *whole.shape[3:])
    torch.testing.assert_close(some, whole[chosen])

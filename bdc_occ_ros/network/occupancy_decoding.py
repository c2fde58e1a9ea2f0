# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Class scores per voxel into one label per voxel."""

import numpy as np
import torch
from torch import Tensor


def decode_labels(logits: Tensor, with_confidence: bool) -> tuple[np.ndarray, np.ndarray | None]:
    """
    Choose the most likely class of every voxel.

    :param logits: Class scores of one frame, (X, Y, Z, K) floating.
    :param with_confidence: Whether to work out the probabilities, which takes several times as
        long as the labels.
    :return: Labels, (X, Y, Z) uint8, and their probabilities, (X, Y, Z) float32, or None.
    """
    highest, labels = logits.max(dim=-1)  # unlike argmax, quick in any memory order
    confidence = None
    if with_confidence:
        confidence = (highest - logits.logsumexp(dim=-1)).exp().float().cpu().numpy()
    return labels.to(torch.uint8).cpu().numpy(), confidence

# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Turn image features into a depth distribution and context features per pixel."""

from torch import float32, nn, promote_types, Tensor


class FeaturesToDepth(nn.Module):
    """Predict depth logits, then context, by one 1x1 convolution."""

    def __init__(self, in_channels: int, num_bins: int, context_channels: int) -> None:
        super().__init__()
        self.num_bins = num_bins
        self.depth_net = nn.Conv2d(in_channels, num_bins + context_channels, 1)

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """
        Return the depth distribution and the context.

        :param features: (B, Ci, h, w).
        :return: Depth probability (B, D, h, w), which sums to 1 over D, in float32 at least: in
            bfloat16 a depth that is nearly sure would be quite sure, be it wrong. And context
            (B, C, h, w), as the features.
        """
        raw = self.depth_net(features)
        exact = promote_types(raw.dtype, float32)
        return raw[:, :self.num_bins].softmax(dim=1, dtype=exact), raw[:, self.num_bins:]

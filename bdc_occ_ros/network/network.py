# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Compose the stages into the network: images in, occupancy and boxes out, in one pass."""

from typing import NamedTuple

import torch
from torch import nn, Tensor

from bdc_occ_ros.errors import InvalidConfigError
from bdc_occ_ros.network.bev_encoder import build_bev_backbone, build_bev_neck
from bdc_occ_ros.network.bev_to_boxes import BoxMaps, build_box_head
from bdc_occ_ros.network.bev_to_occupancy import build_occupancy_head, VoxelLabels
from bdc_occ_ros.network.config import NetworkConfig
from bdc_occ_ros.network.depth_to_bev import LiftToBev
from bdc_occ_ros.network.features_to_depth import FeaturesToDepth
from bdc_occ_ros.network.images_to_features import build_image_backbone, build_image_neck


class NetworkOutput(NamedTuple):
    """
    Hold what one pass returns.

    :param occupancy_logits: Class scores (B, X, Y, Z, K), or (M, Z, K) of M columns that were
        asked for; None without an occupancy head.
    :param box_maps: Maps of centres and attributes, or None without a box head.
    :param depth_probability: How likely every depth bin is, (B, N, D, h, w); None unless asked.
    """

    occupancy_logits: Tensor | None
    box_maps: BoxMaps | None
    depth_probability: Tensor | None = None


class NetworkPrediction(NamedTuple):
    """
    Hold what one pass returns where labels are wanted rather than scores.

    :param voxels: Labels (B, X, Y, Z) and their probability, or None without an occupancy head.
    :param box_maps: Maps of centres and attributes, or None without a box head.
    """

    voxels: VoxelLabels | None
    box_maps: BoxMaps | None


class OccupancyNetwork(nn.Module):
    """
    Map camera images to semantic occupancy and boxes around the vehicle.

    The attribute names are those of the authors' checkpoints (arXiv:2405.17037).
    """

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.config = config
        self.img_backbone = build_image_backbone(config)
        self.img_neck = build_image_neck(config)
        self.img_view_transformer = FeaturesToDepth(
            config.feature_channels, config.depth.num_bins, config.context_channels)
        self.lift = LiftToBev(config.bev)
        self.img_bev_encoder_backbone = build_bev_backbone(config)
        self.img_bev_encoder_neck = build_bev_neck(config)
        self.occ_head = build_occupancy_head(config)
        self.pts_bbox_head = build_box_head(config)
        self.image_dtype: torch.dtype | None = None  # what images are converted to
        self.to(memory_format=torch.channels_last)

    def forward(self, images: Tensor, ray_points_m: Tensor, *,
                with_depth: bool = False, columns: Tensor | None = None) -> NetworkOutput:
        """
        Compute occupancy and boxes.

        Letters: B batch, N cameras (any number), H W input size, D depth bins, h w feature size.

        :param images: Normalized images, (B, N, 3, H, W) floating.
        :param ray_points_m: Where the depth bins of every feature cell lie in the key ego frame,
            (B, N, D, h, w, 3) float32, metres.
        :param with_depth: Whether to return the depth distributions too, as training needs them.
        :param columns: Columns of voxels whose scores are wanted, (B, X, Y) bool; None for all,
            as always where the network is packed.
        :return: Logits and maps of the heads the network has.
        :raises ValueError: if the shapes disagree.
        """
        bev, depth_probability = self._bev_features(images, ray_points_m)
        return NetworkOutput(
            occupancy_logits=None if self.occ_head is None else (
                self.occ_head(bev) if columns is None else self.occ_head(bev, columns=columns)),
            box_maps=None if self.pts_bbox_head is None else self.pts_bbox_head(bev),
            depth_probability=depth_probability if with_depth else None)

    def predict(self, images: Tensor, ray_points_m: Tensor, *,
                with_confidence: bool = False) -> NetworkPrediction:
        """
        Compute labels and boxes, without all class scores in memory where they are not needed.

        The other parameters are those of `forward`.

        :param with_confidence: Whether to work out the probability of every label.
        """
        bev, _ = self._bev_features(images, ray_points_m)
        return NetworkPrediction(
            voxels=None if self.occ_head is None else self.occ_head(bev, with_confidence),
            box_maps=None if self.pts_bbox_head is None else self.pts_bbox_head(bev))

    def _bev_features(self, images: Tensor, ray_points_m: Tensor) -> tuple[Tensor, Tensor]:
        """Return what the heads take, (B, C, Y', X'), and the depths, (B, N, D, h, w)."""
        views = images.shape[:2]
        flat = images.flatten(0, 1).to(dtype=self.image_dtype or images.dtype,
                                       memory_format=torch.channels_last)
        features = self.img_neck(self.img_backbone(flat))
        depths, context = (part.unflatten(0, views)
                           for part in self.img_view_transformer(features))
        bev = self.lift(context, depths.to(context.dtype), ray_points_m)
        return self.img_bev_encoder_neck(self.img_bev_encoder_backbone(bev)), depths


def validate_architecture(config: NetworkConfig) -> OccupancyNetwork:
    """
    Build a network on device meta and run it on the image of one camera.

    It takes neither memory nor arithmetic to find out whether there can be such a network.

    :return: The network in evaluation mode, with shapes and no values.
    :raises InvalidConfigError: if it cannot be built, or its layers do not fit together.
    """
    image = config.image
    try:
        with torch.device('meta'), torch.no_grad():
            network = OccupancyNetwork(config).eval()
            network(torch.empty(1, 1, 3, image.height_px, image.width_px),
                    torch.empty(1, 1, config.depth.num_bins, *config.feature_shape, 3))
    except (RuntimeError, ValueError) as error:
        raise InvalidConfigError(
            f'{config.name}: no such network can be built: {error}') from error
    return network


def blank_network(config: NetworkConfig, num_bytes: int) -> OccupancyNetwork:
    """
    Build a network of ones, to be filled by load_state_dict.

    Nothing is computed on device meta, for which PyTorch would load its compiler for seconds, nor
    is memory taken before the size is known.

    :param num_bytes: Of what will fill it, packed or not; a parameter has one bit at least.
    :raises InvalidConfigError: if it has more parameters than that; what PyTorch raises, if its
        layers do not fit together.
    """
    with torch.device('meta'):
        network = OccupancyNetwork(config).eval()
    size = sum(parameter.numel() for parameter in network.parameters())
    if size > 8 * num_bytes:
        raise InvalidConfigError(f'{config.name} has {size} parameters, which cannot be told by '
                                 f'{num_bytes} bytes')
    network.load_state_dict({name: torch.ones(tensor.shape, dtype=tensor.dtype)
                             for name, tensor in network.state_dict().items()}, assign=True)
    return network.to(memory_format=torch.channels_last)

# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Losses against numbers worked out by hand."""

from dataclasses import replace
import math

from made_source import MadeSource
import pytest
import torch

from bdc_occ_ros.errors import InvalidConfigError, InvalidGridError
from bdc_occ_ros.geometry.frustum import DepthConfig
from bdc_occ_ros.network.bev_to_boxes import BoxMaps
from bdc_occ_ros.network.config import load_network_config
from bdc_occ_ros.network.features_to_depth import FeaturesToDepth
from bdc_occ_ros.network.network import NetworkOutput
from bdc_occ_ros.training.box_targets import BoxTargets
from bdc_occ_ros.training.losses import (
    attribute_loss,
    class_weights,
    depth_bins,
    depth_loss,
    distillation_loss,
    heatmap_loss,
    TrainingLoss,
)
from bdc_occ_ros.training.recipe import LossWeights

ONLY_OCCUPANCY = LossWeights(heatmap=0, boxes=0, depth=0)


def occupancy_only(config):
    return replace(config, boxes=None)


def test_occupancy_counts_observed_voxels_of_known_class_only(tiny_config, made_source):
    config = occupancy_only(tiny_config)
    loss = TrainingLoss(config, ONLY_OCCUPANCY)
    batch = made_source.load([1], torch.device('cpu'))
    batch.semantics[0, 3, 4, 1] = 255
    batch.observed[0, 3, 4, 1] = True
    logits = torch.randn(1, 32, 32, 4, 18, generator=torch.Generator().manual_seed(1),
                         requires_grad=True)
    targets = loss.targets(batch)
    parts = loss(NetworkOutput(logits[targets.columns], None), targets, targets.counts())
    parts['occupancy'].backward()
    total, count = 0.0, 0
    for place in batch.observed.nonzero().tolist():
        label = int(batch.semantics[tuple(place)])
        if label != 255:
            scores = logits[tuple(place)].tolist()
            total += math.log(sum(map(math.exp, scores))) - scores[label]
            count += 1
    assert count == int(batch.observed.sum()) - 1
    assert parts['occupancy'].item() == pytest.approx(total / count, rel=1e-5)
    learned = logits.grad.abs().sum(dim=-1) > 0
    expected = batch.observed.clone()
    expected[0, 3, 4, 1] = False
    assert torch.equal(learned, expected)


def test_samples_of_another_grid_are_refused(made_source):
    nano = load_network_config('bdc_occ_nano')
    with pytest.raises(InvalidGridError, match=r'\(200, 200, 16\).*\(32, 32, 4\)'):
        TrainingLoss(nano, LossWeights()).targets(made_source.load([0], torch.device('cpu')))


def test_class_weights_are_one_on_average_and_mildly_higher_for_rare_classes():
    head = load_network_config('bdc_occ_nano').occupancy
    assert class_weights(head, 0.0) is None
    weights = class_weights(head, 0.25).double()
    counts = torch.tensor(head.class_counts, dtype=torch.float64)
    assert float((weights * counts).sum() / counts.sum()) == pytest.approx(1)
    bicycle, road, free = counts[2], counts[11], counts[17]
    assert float(weights[2] / weights[11]) == pytest.approx(float(road / bicycle) ** 0.25)
    assert float(weights[11] / weights[17]) == pytest.approx(float(free / road) ** 0.25)
    with pytest.raises(InvalidConfigError, match='class_counts'):
        class_weights(replace(head, class_counts=None), 0.25)


def test_distillation_is_zero_for_a_perfect_pupil_and_the_divergence_otherwise():
    teacher = torch.tensor([[0.0, math.log(3.0)]])  # one quarter, three quarters
    pupil = torch.zeros(1, 2)
    assert float(distillation_loss(teacher, teacher, 1.0)) == pytest.approx(0, abs=1e-6)
    divergence = 0.25 * math.log(0.25 / 0.5) + 0.75 * math.log(0.75 / 0.5)
    assert float(distillation_loss(pupil, teacher, 1.0)) == pytest.approx(divergence)
    half = math.sqrt(3) / (1 + math.sqrt(3))
    softer = half * math.log(2 * half) + (1 - half) * math.log(2 * (1 - half))
    assert float(distillation_loss(pupil, teacher, 2.0)) == pytest.approx(4 * softer)


@pytest.mark.parametrize('spacing', ['uniform', 'sid'])
def test_depth_bins(spacing):
    config = DepthConfig(1.0, 45.0, 0.5, spacing)
    depths_m = torch.linspace(1.0, 43.5, 200)
    bins_m = torch.tensor(config.bins_m(), dtype=torch.float64)
    if spacing == 'uniform':
        nearest = (depths_m[:, None] + 0.2 - bins_m).abs().argmin(dim=1)
    else:
        nearest = ((depths_m[:, None] + 0.2).log() - bins_m.log()).abs().argmin(dim=1)
    assert torch.equal(depth_bins(depths_m, config, 0.2), nearest)
    assert torch.equal(depth_bins(bins_m.float(), config, 0.0), torch.arange(88))
    outside = torch.tensor([0.0, 0.4, 46.0, 400.0])
    assert depth_bins(outside, config, 0.2).tolist() == [-1] * 4


@pytest.mark.parametrize('lead', (12, 17, 20))
def test_the_gradient_of_a_sure_and_wrong_depth_stays_small(lead):
    logits = torch.zeros(1, 1, 44, 1, 1)
    logits[0, 0, 7] = lead
    logits.requires_grad_()
    loss = depth_loss(logits.softmax(2), torch.zeros(1, 1, 1, 1, dtype=torch.int64))
    gradient, = torch.autograd.grad(loss, logits)
    assert loss > lead - 1 and 0.5 < gradient.norm() < 3


def test_a_sure_and_wrong_depth_costs_what_it_costs_in_float32_too():
    """In bfloat16 a probability beyond 0.998 is 1; the loss must not see that."""
    layer = FeaturesToDepth(2, 4, 1)
    with torch.no_grad():
        layer.depth_net.weight.zero_()
        layer.depth_net.weight[1, 0] = 1.0  # how far bin 1 leads
    losses = []
    for is_short in (False, True):
        features = torch.tensor([12.0, 0.0]).view(1, 2, 1, 1).requires_grad_()
        with torch.autocast('cpu', torch.bfloat16, enabled=is_short):
            probability, context = layer(features)
        loss = depth_loss(probability.unsqueeze(1), torch.zeros(1, 1, 1, 1, dtype=torch.int64))
        gradient, = torch.autograd.grad(loss, features)
        losses.append((loss.item(), gradient.norm().item()))
        assert context.dtype == (torch.bfloat16 if is_short else torch.float32)
    assert losses[1] == pytest.approx(losses[0], rel=0.1)


def test_depth_loss():
    probability = torch.tensor([0.7, 0.2, 0.1]).view(1, 1, 3, 1, 1).repeat(1, 1, 1, 1, 2)
    bins = torch.tensor([[[[1, -1]]]])
    expected = -(math.log(0.3) + math.log(0.2) + math.log(0.9))
    assert float(depth_loss(probability, bins)) == pytest.approx(expected)


def test_heatmap_loss():
    logits = torch.tensor([[[[0.0, 1.0, -30.0]]]])
    target = torch.tensor([[[[1.0, 0.5, 0.0]]]])
    near = 1 / (1 + math.exp(-1))
    expected = (-math.log(0.5) * 0.25 - math.log(1 - near) * near ** 2 * 0.5 ** 4
                - math.log(1 - 1e-4) * 1e-8)
    assert float(heatmap_loss(logits, target)) == pytest.approx(expected)


def test_attribute_loss_takes_the_cell_of_the_centre_and_skips_unknown_velocities():
    sizes = {'heatmap': 1, 'reg': 2, 'height': 1, 'dim': 3, 'rot': 2, 'vel': 2}
    maps = BoxMaps(**{name: torch.zeros(2, channels, 3, 4) for name, channels in sizes.items()})
    maps.height[1, 0, 2, 1] = 5.0
    attributes = torch.zeros(2, 10)
    attributes[0, 2], attributes[0, 8], attributes[1, 8:] = 3.0, 1.5, float('nan')
    targets = BoxTargets(torch.zeros(2, 1, 3, 4), torch.tensor([1, 0]), torch.tensor([9, 0]),
                         attributes)
    assert float(attribute_loss(maps, targets, 0.2)) == pytest.approx(2.0 + 0.2 * 1.5)


def test_parts_are_divided_by_what_the_whole_step_holds(tiny_config):
    source = MadeSource(tiny_config, 4)
    weights = LossWeights(occupancy=2.0, heatmap=3.0)
    loss = TrainingLoss(tiny_config, weights)
    batch = source.load([0, 1], torch.device('cpu'))
    generator = torch.Generator().manual_seed(3)
    logits = torch.randn(2, 32, 32, 4, 18, generator=generator)
    maps = BoxMaps(*(torch.randn(2, n, 16, 16, generator=generator)
                     for n in (10, 2, 1, 3, 2, 2)))
    depths = torch.rand(2, 2, 16, 4, 12, generator=generator).softmax(dim=2)
    whole = loss.targets(batch)
    together = loss(NetworkOutput(logits[whole.columns], maps, depths), whole, whole.counts())
    _, centers, known = whole.counts().tolist()
    assert (centers, known) == (2, float((whole.depths >= 0).sum()))
    for name, value in (('heatmap', 3.0 / centers * heatmap_loss(maps.heatmap,
                                                                 whole.boxes.heatmap)),
                        ('boxes', 0.25 / centers * attribute_loss(maps, whole.boxes, 0.2)),
                        ('depth', 0.05 / known * depth_loss(depths, whole.depths))):
        assert float(together[name]) == pytest.approx(float(value)), name
    shares = [loss.targets(batch.part(n, n + 1)) for n in range(2)]
    counts = sum(share.counts() for share in shares)
    assert torch.equal(counts, whole.counts()) and (counts > 0).all()
    apart = [loss(NetworkOutput(logits[n:n + 1][share.columns],
                                BoxMaps(*(m[n:n + 1] for m in maps)), depths[n:n + 1]),
                  share, counts)
             for n, share in enumerate(shares)]
    assert set(together) == {'occupancy', 'heatmap', 'boxes', 'depth'}
    for name, value in together.items():
        assert float(sum(part[name] for part in apart)) == pytest.approx(float(value), rel=1e-5)

# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Looks of pictures vary by seed and kind, and what is in them stays where it is."""

from dataclasses import fields, replace

import pytest
import torch

from bdc_occ_ros.errors import InvalidConfigError
from bdc_occ_ros.training.looks import Looks, vary_looks

KINDS = [field.name for field in fields(Looks)]


@pytest.fixture(scope='module')
def pictures():
    """Return three pictures: a dark half and a light one, with fine detail."""
    rng = torch.Generator().manual_seed(0)
    images = torch.randint(-20, 20, (3, 32, 48, 3), generator=rng) + 60
    images[:, :, 24:] += 120
    return images.byte()


def test_without_any_strength_pictures_stay(pictures):
    assert (vary_looks(pictures, Looks(), 5).int() - pictures.int()).abs().max() <= 1


@pytest.mark.parametrize('kind', KINDS)
def test_every_kind_changes_looks_by_the_seed_and_keeps_what_is_there(pictures, kind):
    looks = replace(Looks(), **{kind: 0.2})
    changed = vary_looks(pictures, looks, 5)
    assert changed.shape == pictures.shape and changed.dtype == torch.uint8
    assert (changed.int() - pictures.int()).abs().max() > 2
    assert torch.equal(changed, vary_looks(pictures, looks, 5))
    assert not torch.equal(changed, vary_looks(pictures, looks, 6))
    dark, light = (changed[:, :, half].float().mean() for half in (slice(24), slice(24, 48)))
    assert light > dark + 60


def test_cameras_share_most_of_a_draw(pictures):
    same = pictures[:1].repeat(8, 1, 1, 1)
    means = torch.stack([vary_looks(same, Looks(gamma=0.3), seed).float().mean((1, 2, 3))
                         for seed in range(12)])
    assert 0 < means.std(dim=1).mean() < 0.5 * means.mean(dim=1).std()


@pytest.mark.parametrize('strength', (-0.1, 1.1))
def test_impossible_strengths_are_refused(strength):
    with pytest.raises(InvalidConfigError, match='strengths lie from 0 to 1'):
        Looks(grain=strength)

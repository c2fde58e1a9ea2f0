# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Evaluation draws the gates of the network it evaluates."""

import cv2
from made_scenes import VERSION
import pytest

from bdc_occ_ros.cli.__main__ import main
from bdc_occ_ros.share import share_path

pytest.importorskip('nuscenes', reason='nuscenes-devkit is not installed')


def test_the_verb_draws_a_row_per_unit_with_gates(made_dataroot, tmp_path, capsys):
    arguments = ['evaluate', '--dataroot', str(made_dataroot), '--version', VERSION, '--split',
                 'check', '--no-rays', '--samples', '2', '--gates', str(tmp_path / 'gates.png')]
    untrained = str(share_path('config', 'model_bdc_occ_nano_half.yaml'))
    assert main([*arguments, '--model', untrained]) == 0
    assert f'{untrained} (untrained) on check: 2 samples' in capsys.readouterr().out
    picture = cv2.imread(str(tmp_path / 'gates.png'))
    assert len(picture) == pytest.approx((12 * 2.6 + 0.8) * 80, abs=1)  # 7 for images, 5 for BEV
    (tmp_path / 'gates.png').unlink()
    assert main([*arguments, '--model', 'bdc_occ_nano_half']) == 0  # packed: as many units
    assert cv2.imread(str(tmp_path / 'gates.png')).shape == picture.shape
    assert main([*arguments, '--bag', str(tmp_path)]) == 2
    assert 'give --model' in capsys.readouterr().err

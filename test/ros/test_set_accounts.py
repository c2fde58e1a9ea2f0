# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The books of images: what is read is what was booked, and news are said once."""

import logging

from bdc_occ_ros.ros.set_accounts import SetAccounts


def test_a_remark_is_kept_and_warned_of_once(caplog):
    accounts = SetAccounts()
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            accounts.remarked('CAM_FRONT', 'has no colour')
            accounts.remarked('CAM_BACK', '')
    assert caplog.messages == ['CAM_FRONT: has no colour']
    assert accounts.read().remarks == {'CAM_FRONT': 'has no colour', 'CAM_BACK': ''}
    accounts.remarked('CAM_FRONT', '')
    assert accounts.read().remarks['CAM_FRONT'] == ''


def test_the_copy_is_in_order():
    accounts = SetAccounts()
    accounts.computed(latency_ms=30.0, budget_ms=20.0)
    accounts.refused('CAM_BACK', ValueError('truncated'))
    read = accounts.read()
    assert (read.computed, read.delayed_in_a_row, read.latencies_ms) == (1, 1, (30.0,))
    assert read.refused == {'CAM_BACK': 1} and read.last_refusal == {'CAM_BACK': 'truncated'}

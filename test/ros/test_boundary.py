# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Whatever data raise is held, booked, and told once; what ROS raises at its end is not."""

import pytest

from bdc_occ_ros.ros.boundary import Boundary


def test_each_kind_is_told_once_per_source_with_its_traceback(node, monkeypatch):
    boundary, told, booked = Boundary(node), [], []
    monkeypatch.setattr(node, 'get_logger', lambda: type('Log', (), {'error': told.append}))
    for source in ('FRONT', 'BACK'):
        for error in (KeyError, KeyError, ZeroDivisionError):
            with boundary.around(source, booked.append):
                raise error('strange')
    assert [type(error) for error in booked] == [KeyError, KeyError, ZeroDivisionError] * 2
    assert len(told) == 4 and all('Traceback' in text and 'strange' in text for text in told)


def test_what_is_raised_while_ros_ends_is_passed_on(ros):
    context = ros.Context()
    ros.init(context=context)
    ended = ros.create_node('ended', context=context)
    boundary = Boundary(ended)
    ros.shutdown(context=context)
    with pytest.raises(RuntimeError), boundary.around('FRONT', lambda error: None):
        raise RuntimeError('the context is gone')

# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The transport measurement accounts for every image, and the profile lets JPEGs through."""

import argparse
import json
import subprocess
import sys
import xml.etree.ElementTree as ElementTree

import pytest

from bdc_occ_ros.cli.__main__ import main
from bdc_occ_ros.errors import MeasurementError, UsageError
from bdc_occ_ros.ros.bench import transport as bench_transport
from bdc_occ_ros.share import share_path


def arguments(**changes):
    return argparse.Namespace(**{
        'seconds': 2.5, 'rate_hz': 2.0, 'format': 'jpeg', 'cameras': 6, 'size': (1600, 900),
        'transport': 'profile', 'json': True} | changes)


def test_every_jpeg_arrives_whole_through_the_profile(capsys):
    assert bench_transport.run(arguments()) == 0
    row, = json.loads(capsys.readouterr().out)
    assert row['sent'] == 30  # five of each camera: a listener that stalls keeps that many
    assert (row['published'], row['received']) == (30, 30)
    assert row['damaged'] == row['lost'] == row['dropped'] == row['unaccounted'] == 0
    assert 0 < row['latency_p50_ms'] <= row['latency_p99_ms'] < 60_000  # not since 1970


def test_raw_images_that_the_default_transport_loses_are_all_counted(capsys):
    assert bench_transport.run(arguments(format='raw', transport='default')) == 0
    row, = json.loads(capsys.readouterr().out)
    assert row['lost'] > 0, 'the default transport lost nothing, so the profile is not needed'
    assert row['received'] + row['dropped'] + row['lost'] == row['sent'] == 30


@pytest.mark.parametrize('published, lost, dropped, unaccounted', [
    (100, 0, 40, 0), (100, 30, 10, 0), (90, 10, 20, 10), (None, 5, 35, 0)])
def test_what_is_missing_is_told_apart(published, lost, dropped, unaccounted):
    row = bench_transport.row('default', 'raw', {
        'sent': 100, 'received': 60, 'published': published, 'lost': lost})
    assert (row['dropped'], row['unaccounted']) == (dropped, unaccounted)
    assert row['received_percent'] == 60


@pytest.mark.parametrize('change', [
    {'cameras': 9}, {'cameras': 0}, {'seconds': 0.0}, {'rate_hz': -1.0}])
def test_impossible_arguments_are_refused(change):
    with pytest.raises(UsageError, match='cameras from 1 to 8'):
        bench_transport.run(arguments(**change))


@pytest.mark.parametrize('size', ['1600', '8x900', '-1x900'])
def test_a_size_that_is_none_is_refused(size, capsys):
    with pytest.raises(SystemExit) as ended:
        main(['bench', 'transport', f'--size={size}'])
    assert ended.value.code == 2 and size in capsys.readouterr().err


def test_a_failing_end_is_an_error_with_a_name(monkeypatch):
    monkeypatch.setattr(bench_transport.sys, 'executable', '/bin/false')
    with pytest.raises(MeasurementError, match='profile, jpeg: .*returned non-zero'):
        bench_transport.run(arguments())


def test_each_transport_sets_only_its_own_variable(monkeypatch):
    monkeypatch.setenv(bench_transport.MODE_VARIABLE, 'UDPv4')
    environments = {name: bench_transport.transport_environment(name)
                    for name in bench_transport.TRANSPORTS}
    assert bench_transport.MODE_VARIABLE not in environments['default']
    assert environments['large_data'][bench_transport.MODE_VARIABLE] == 'LARGE_DATA'
    assert bench_transport.PROFILE_VARIABLE not in environments['large_data']
    assert bench_transport.MODE_VARIABLE not in environments['profile']


def test_fast_dds_takes_the_profile_without_complaint():
    environment = bench_transport.transport_environment('profile')
    program = 'import rclpy; rclpy.init(); rclpy.create_node("probe"); print("up")'
    done = subprocess.run([sys.executable, '-c', program], env=environment, text=True,
                          capture_output=True, timeout=240, check=True)
    assert done.stdout == 'up\n' and done.stderr == ''


def test_a_segment_of_the_profile_holds_a_burst_of_six_raw_images():
    tree = ElementTree.parse(share_path('config', 'fastdds_profile.xml'))
    size, = (int(element.text) for element in tree.iter() if element.tag.endswith('segment_size'))
    assert size >= 6 * 1600 * 900 * 3

# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The command line's manners."""

import json
import re
import subprocess
import sys

import pytest

from bdc_occ_ros.cli.__main__ import main, VERBS

BLOCK_RCLPY = (
    'import sys\n'
    'sys.modules["rclpy"] = None\n'
    'from bdc_occ_ros.cli.__main__ import main\n'
    'sys.exit(main(sys.argv[1:]))\n')


def run_without_rclpy(*arguments: str) -> subprocess.CompletedProcess:
    return subprocess.run([sys.executable, '-c', BLOCK_RCLPY, *arguments],
                          capture_output=True, text=True, timeout=120)


@pytest.mark.parametrize('verb', [None, *VERBS])
def test_help_exists_for_every_verb(verb, capsys):
    with pytest.raises(SystemExit) as caught:
        main([verb, '--help'] if verb else ['--help'])
    assert caught.value.code == 0
    printed = capsys.readouterr().out
    expected = VERBS if verb is None else [f'bdc-occ {verb}']
    assert all(word in printed for word in expected)


def test_version(capsys):
    with pytest.raises(SystemExit) as caught:
        main(['--version'])
    assert caught.value.code == 0 and capsys.readouterr().out.startswith('bdc-occ ')


@pytest.mark.parametrize('arguments', [[], ['fly'], ['profile', '--speed'], ['bench']])
def test_bad_usage_exits_with_2(arguments, capsys):
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2 and 'bdc-occ' in capsys.readouterr().err


@pytest.mark.parametrize('arguments', [
    ['profile', '--model', 'absent_model'],
    ['view', 'absent.bag', '-o', 'out.png'],
    ['bench', 'sync', '--cases', 'T99'],
])
def test_bad_input_is_one_clear_line_and_exit_2(arguments, capsys):
    assert main(arguments) == 2
    printed = capsys.readouterr().err
    assert printed.startswith(f'bdc-occ {arguments[0]}: ') and printed.count('\n') == 1


@pytest.mark.parametrize('arguments', [
    ['demo'], ['bag', 'play', 'some.mcap'], ['bench', 'transport', '--seconds', '1'],
])
def test_verbs_that_need_rclpy_say_that_it_is_missing(arguments, tmp_path):
    result = run_without_rclpy(*arguments)
    assert result.returncode == 2
    assert re.search('(rclpy|_msgs) is not installed', result.stderr)
    assert result.stderr.count('\n') == 1


def test_verbs_without_ros_run_without_ros():
    result = run_without_rclpy('profile', '--model', 'bdc_occ_nano', '--json')
    assert result.returncode == 0, result.stderr
    assert json.loads(result.stdout)

# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Measure how many camera images reach another process whole, by transport and by format."""

import argparse
import json
import os
import subprocess
import sys
from typing import Any

from bdc_occ_ros.errors import MeasurementError, UsageError
from bdc_occ_ros.ros.bench.transport_traffic import TYPES
from bdc_occ_ros.ros.compat import DISCOVERY_ON_THIS_MACHINE
from bdc_occ_ros.share import share_path

PROFILE_VARIABLE = 'FASTRTPS_DEFAULT_PROFILES_FILE'
MODE_VARIABLE = 'FASTDDS_BUILTIN_TRANSPORTS'
TRANSPORTS = ('default', 'large_data', 'profile')
ALLOWANCE_S = 120.0  # for starting, discovery and the end markers
COLUMNS = (
    ('transport', '{}'), ('format', '{}'), ('sent', '{}'), ('received', '{}'),
    ('received_percent', '{:.1f}'), ('dropped', '{}'), ('lost', '{}'), ('unaccounted', '{}'),
    ('sent_hz', '{:.2f}'), ('received_hz', '{:.2f}'), ('latency_p50_ms', '{:.2f}'),
    ('latency_p99_ms', '{:.2f}'), ('publisher_cpu_percent', '{:.0f}'),
    ('listener_cpu_percent', '{:.0f}'))

Row = dict[str, str | int | float]


def run(arguments: argparse.Namespace) -> int:
    """
    Measure what the arguments ask for and print a table, or JSON rows.

    :param arguments: seconds, rate_hz, format (raw, jpeg or both), cameras, size (width and
        height in pixels), transport (default, large_data, profile or all) and json.
    :return: 0, or 1 if an image was damaged or vanished without being counted.
    :raises UsageError: if an argument makes no sense.
    :raises MeasurementError: if one end failed.
    """
    if not (arguments.seconds > 0 and arguments.rate_hz > 0 and 1 <= arguments.cameras <= 8):
        raise UsageError('seconds and rate-hz must be positive and cameras from 1 to 8; got '
                         f'{arguments.seconds}, {arguments.rate_hz} and {arguments.cameras}')
    formats = sorted(TYPES) if arguments.format == 'both' else [arguments.format]
    transports = TRANSPORTS if arguments.transport == 'all' else [arguments.transport]
    stream = {name: getattr(arguments, name) for name in ('cameras', 'size', 'rate_hz', 'seconds')}
    rows = []
    for transport in transports:
        for message_format in formats:
            print(f'{transport}, {message_format}: {arguments.seconds:g} s ...', file=sys.stderr)
            rows.append(measure(transport, stream | {'format': message_format}))
    print(json.dumps(rows, indent=2) if arguments.json else table(rows))
    return int(any(row['unaccounted'] or row['damaged'] for row in rows))


def measure(transport: str, stream: dict[str, Any]) -> Row:
    """
    Run both ends under one transport.

    :param stream: What is sent: cameras, size, rate_hz, seconds and format.
    :return: One row of the table.
    :raises MeasurementError: if an end fails or does not finish.
    """
    what = f'{transport}, {stream["format"]}'
    stream_text = json.dumps(stream | {'namespace': f'bench_{os.getpid()}'})
    program = [sys.executable, '-m', 'bdc_occ_ros.ros.bench.transport_traffic']
    environment = transport_environment(transport)
    with subprocess.Popen([*program, 'listen', stream_text], env=environment, text=True,
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE) as listener:
        try:
            publisher = subprocess.run(
                [*program, 'publish', stream_text], env=environment, text=True, check=True,
                stdout=subprocess.PIPE, timeout=stream['seconds'] + ALLOWANCE_S)
            heard = listener.communicate(timeout=ALLOWANCE_S)[0]
        except subprocess.SubprocessError as error:
            listener.kill()
            raise MeasurementError(f'{what}: {error}') from error
    if listener.returncode != 0:
        raise MeasurementError(f'{what}: the listener ended with status {listener.returncode}; '
                               'its own words are above')
    return row(transport, stream['format'], json.loads(publisher.stdout) | json.loads(heard))


def transport_environment(transport: str) -> dict[str, str]:
    """
    Return the environment of a process that uses a transport of Fast DDS, on this machine only.

    :param transport: default, large_data (a mode of Fast DDS) or profile (ours).
    """
    environment = {name: value for name, value in os.environ.items()
                   if name not in (PROFILE_VARIABLE, MODE_VARIABLE)}
    if transport == 'large_data':
        environment[MODE_VARIABLE] = 'LARGE_DATA'
    elif transport == 'profile':
        environment[PROFILE_VARIABLE] = str(share_path('config', 'fastdds_profile.xml'))
    return environment | DISCOVERY_ON_THIS_MACHINE


def row(transport: str, message_format: str, counts: dict[str, int | float | None]) -> Row:
    """
    Account for every image that was sent.

    :param counts: What both ends report.
    """
    sent, received, lost = counts['sent'], counts['received'], counts['lost']
    published = sent if counts['published'] is None else counts['published']
    dropped = max(0, published - received - lost)
    return {'transport': transport, 'format': message_format, **counts,
            'received_percent': 100 * received / sent, 'dropped': dropped,
            'unaccounted': sent - received - lost - dropped}


def table(rows: list[Row]) -> str:
    """Return the rows as text under their titles, and what the counts mean."""
    lines = [[name for name, _ in COLUMNS],
             *([form.format(row[name]) for name, form in COLUMNS] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*lines)]
    text = '\n'.join('  '.join(cell.rjust(width) for cell, width in zip(line, widths))
                     for line in lines)
    return (f'{text}\n\ndropped: arrived, but overwritten before the listener took it (keep '
            'last 5)\nlost: never came out of the transport (best effort)')

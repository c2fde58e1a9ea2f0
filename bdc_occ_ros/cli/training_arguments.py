# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Declare what several verbs take: which samples, on which device, with how many threads."""

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING

from bdc_occ_ros.errors import UsageError

if TYPE_CHECKING:
    import torch

    from bdc_occ_ros.training.training_data import DataChoice


def add_data_arguments(group: argparse._ArgumentGroup, *, needs_validation: bool) -> None:
    """
    Declare what names the samples.

    :param needs_validation: Whether there must be samples to be tried on.
    """
    group.add_argument('--data', required=True, help='world:SEEDS (as in world:0-999) or the '
                       'folder of a data set')
    group.add_argument('--validate', required=needs_validation, metavar='DATA',
                       help='samples for mIoU')
    group.add_argument('--validate-samples', type=int, default=None if needs_validation else 50,
                       metavar='N', help='how many of them, evenly spread '
                       f'(default {"all" if needs_validation else 50})')
    group.add_argument('--keyframes', type=int, default=40, metavar='N',
                       help='samples of every made-up scene (default 40)')
    group.add_argument('--rigs', type=Path, nargs='+', default=(), metavar='FILE',
                       help="calibrations for made-up scenes (default: nuScenes' three)")
    group.add_argument('--vary', nargs='+', default=(), metavar='WHAT', help='vary rigs, colors '
                       'or markings of made-up scenes')
    group.add_argument('--version', default='v1.0-trainval', help="folder of a data set's tables "
                       '(default v1.0-trainval)')
    group.add_argument('--split', default='train', help='part of a data set (default train)')
    group.add_argument('--validate-split', default='val', metavar='SPLIT',
                       help='part of a data set for --validate (default val)')
    group.add_argument('--cache', type=Path, metavar='DIR', help='keep prepared samples here')


def add_session_arguments(group: argparse._ArgumentGroup) -> None:
    """Declare how long one call goes on, and on what."""
    group.add_argument('--minutes', type=float, metavar='M', help='stop after so many minutes')
    group.add_argument('--device', default='cpu', help='cpu, cuda or auto (default cpu)')
    group.add_argument('--threads', type=int, metavar='N', help="PyTorch's threads per process")
    group.add_argument('--workers', type=int, default=1, metavar='N',
                       help='threads that load samples ahead (default 1)')


def data_choice(args: argparse.Namespace, name: str, split: str) -> 'DataChoice':
    """
    Return samples by the name that an argument gives them.

    :param name: Of --data or --validate.
    """
    from bdc_occ_ros.config_file import parse_dataclass
    from bdc_occ_ros.training.training_data import DataChoice
    from bdc_occ_ros.world.variety import Variety
    variety = parse_dataclass(Variety, dict.fromkeys(args.vary, True), '--vary')
    return DataChoice(name, args.keyframes, args.version, split, args.cache, tuple(args.rigs),
                      variety)


def use_threads(args: argparse.Namespace) -> None:
    """
    Let PyTorch take as many threads as --threads says.

    :raises UsageError: if --threads is below 1 or --workers below 0.
    """
    import torch
    if args.workers < 0 or (args.threads is not None and args.threads < 1):
        raise UsageError(f'--threads is at least 1 and --workers at least 0; got {args.threads} '
                         f'and {args.workers}')
    if args.threads is not None:
        torch.set_num_threads(args.threads)


def chosen_device(name: str) -> 'torch.device':
    """
    Return the device of this process; if it is a GPU, it is what cuda means from here on.

    :param name: cpu, cuda or auto; a process that torchrun started takes the GPU of its number.
    :raises UsageError: if there is no such device.
    """
    import torch
    if name not in ('cpu', 'cuda', 'auto'):
        raise UsageError(f'--device is cpu, cuda or auto; got {name!r}')
    if name == 'auto':
        name = 'cuda' if torch.cuda.is_available() else 'cpu'
    if name == 'cuda' and not torch.cuda.is_available():
        raise UsageError('--device cuda: PyTorch sees no GPU; use --device cpu')
    if name == 'cpu':
        return torch.device('cpu')
    number, count = int(os.environ.get('LOCAL_RANK', '0')), torch.cuda.device_count()
    if number >= count:
        raise UsageError(f'--device cuda: process {number} of this machine needs a GPU of its '
                         f'own, and there are {count}; let torchrun start that many')
    device = torch.device('cuda', number)
    torch.cuda.set_device(device)
    return device

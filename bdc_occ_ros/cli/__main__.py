# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Run a verb of the command line: bdc-occ VERB.

A verb is imported only when it runs, so that verbs that need no ROS run without it. Bad
usage and bad input end in one line on standard error and exit status 2.
"""

import argparse
from collections.abc import Sequence
import importlib
import keyword
import sys

from bdc_occ_ros import __version__
from bdc_occ_ros.errors import BdcOccError, MissingDependencyError

VERBS = {
    'demo': 'render a drive, run the node on it and draw what it saw',
    'profile': 'count parameters, operations and bytes of a network',
    'import': 'turn a published checkpoint into a weights file',
    'export': 'fold a network into a packed file, which runs on bits',
    'train': 'train a network on made-up scenes or a nuScenes data set',
    'sweep': 'train a list of networks alike and compare them',
    'card': 'write manifest and model card of a packed file',
    'check-data': 'look for mistakes in a nuScenes data set before training',
    'evaluate': 'score a network on a nuScenes data set',
    'bag': 'write, play, record and list bags',
    'view': 'draw a bag, a snapshot or a sample of a data set as a picture',
    'rig': 'say and draw what each camera of a rig contributes, before anybody drives',
    'world': 'make drives through a made-up city, as a data set or for training',
    'bench': 'measure the synchronizer, the transport, the kernels and whole networks',
}
ROS_PACKAGES = (
    'rclpy', 'cv_bridge', 'rcl_interfaces', 'builtin_interfaces', 'std_srvs', *(
        f'{kind}_msgs' for kind in ('diagnostic', 'geometry', 'lifecycle', 'nav', 'rosgraph',
                                    'sensor', 'std', 'tf2', 'vision', 'visualization')))
DEMO_PACKAGES = ('rosbags', 'apsw', 'backports', 'matplotlib', 'rerun')
BENCH_PACKAGES = ('onnx', 'onnxruntime', 'openvino')
CURES = {
    **dict.fromkeys(ROS_PACKAGES, 'source an installed ROS 2 (for example: source /opt/ros/jazzy/'
                    'setup.bash) or run make, which installs the wheels into .venv'),
    **dict.fromkeys(DEMO_PACKAGES, 'install what bags and pictures need: python -m pip install '
                    '"bdc_occ_ros[demo]"'),
    **dict.fromkeys(BENCH_PACKAGES, 'install what others compute eight bits and bits with: '
                    'python -m pip install "bdc_occ_ros[bench]"'),
    'tensorboard': 'install it (python -m pip install tensorboard), or leave --tensorboard out: '
                   'log.jsonl holds the same',
    'nuscenes': 'install what reads its data: python -m pip install "bdc_occ_ros[nuscenes]"',
}


def build_parser(verb: str | None) -> argparse.ArgumentParser:
    """
    Return the parser of the whole command line.

    :param verb: The verb whose own arguments are wanted; the others only appear in the list.
    """
    parser = argparse.ArgumentParser(
        prog='bdc-occ', description='Binarized multi-camera occupancy for ROS 2.')
    parser.add_argument('--version', action='version', version=f'bdc-occ {__version__}')
    verbs = parser.add_subparsers(dest='verb', metavar='VERB', required=True)
    for name, sentence in VERBS.items():
        if name != verb:
            verbs.add_parser(name, help=sentence, add_help=False)
            continue
        module = f'{name}_' if keyword.iskeyword(name) else name.replace('-', '_')
        command = importlib.import_module(f'bdc_occ_ros.cli.{module}')
        verb_parser = verbs.add_parser(
            name, help=sentence, description=command.__doc__,
            formatter_class=argparse.RawDescriptionHelpFormatter)
        command.add_arguments(verb_parser)
        verb_parser.set_defaults(run=command.run)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """
    Run one verb.

    :param argv: Arguments without the program's name; those of the process if None.
    :return: Exit status: 0 for success, 1 for a result that is a failure, 2 for bad usage or
        input, 130 when interrupted.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    verb = next((word for word in arguments if word in VERBS), None)
    parsed = build_parser(verb).parse_args(arguments)
    try:
        return int(parsed.run(parsed))
    except ModuleNotFoundError as error:
        package = (error.name or '').partition('.')[0]
        if package not in CURES:
            raise
        return _report(parsed.verb, MissingDependencyError(
            f'{package} is not installed for {sys.executable}; {CURES[package]}'))
    except BdcOccError as error:
        return _report(parsed.verb, error)
    except KeyboardInterrupt:
        return 130


def _report(verb: str, error: BdcOccError) -> int:
    print(f'bdc-occ {verb}: {" ".join(str(error).split())}', file=sys.stderr)
    return 2


if __name__ == '__main__':
    sys.exit(main())

# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Whatever the package reads goes through the readers of files.py and config_file.py."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / 'bdc_occ_ros'
READERS = {'json.load', 'json.loads', 'pickle.load', 'pickle.loads', 'np.load', 'np.fromfile',
           'np.loadtxt', 'np.genfromtxt', 'torch.load', 'zipfile.ZipFile', 'open', 'safe_open',
           'load_file', 'yaml.load', 'yaml.safe_load', 'yaml.full_load', 'yaml.unsafe_load',
           'yaml.load_all', 'yaml.safe_load_all', 'Image.open'}
METHODS = {'read_bytes', 'read_text', 'open'}
READ_MODES = {"'r'", "'rb'", "'rt'"}
# Where else something is read, and why that is no file of a stranger, or guarded already.
ALLOWED = {
    'files.py': 'the readers',
    'config_file.py': 'the reader of YAML',
    'weights/imagenet_checkpoint.py': 'one file that is known by its hash',
    'weights/authors_checkpoint.py': 'the reader of pickles, on bytes read within bounds',
    'training/saved_training.py': 'the same, for states of our own',
    'bags/bag_file.py': 'opens a writer of rosbags',
    'bags/bag_reader.py': 'opens a reader of rosbags; looks at beginnings and sizes before',
    'dataset/check/files.py': 'the last kilobyte of an image, of each in a data set',
    'bags/messages.py': 'definitions that come with the package',
    'kernels/build.py': 'sources and libraries of our own',
    'world/seeds.py': 'sources of our own',
    'bench/int8.py': 'a profile that the process has just written',
    'bench/machine.py': 'the kernel of this machine',
    'bench/network.py': 'the kernel of this machine',
    'kernels/selection.py': 'the kernel of this machine',
    'ros/bench/start.py': 'what our own processes print',
    'ros/bench/transport.py': 'what our own processes print',
    'ros/bench/transport_traffic.py': 'what our own processes are given',
    'ros/replay/node_process.py': 'the log of our own process',
}


def direct_reads(source: str) -> list[tuple[int, str]]:
    """Return line and name of every call that reads a file or a text by itself."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call):
            continue
        name = ast.unparse(node.func)
        method = node.func.attr if isinstance(node.func, ast.Attribute) else ''
        arguments = [ast.unparse(argument) for argument in
                     (*node.args, *(keyword.value for keyword in node.keywords))]
        if name.endswith('open'):
            reads = READ_MODES & {*arguments} or len(arguments) == (not method)
        else:
            reads = not (name == 'json.loads' and arguments[0].startswith('json.dumps('))
        if reads and (name in READERS or method in METHODS):
            found.append((node.lineno, name))
    return found


@pytest.mark.parametrize(('source', 'name'), [
    ('json.loads(text)', 'json.loads'), ('p.read_bytes()', 'p.read_bytes'),
    ("p.open('rb')", 'p.open'), ('open(p)', 'open'), ("open(p, mode='r')", 'open'),
    ('np.load(p)', 'np.load'), ("p.open('wb')", None), ("open(p, 'a')", None),
    ('zstd.open(p, "rb")', 'zstd.open'), ('p.open()', 'p.open'), ('data.open(config)', None),
    ('json.loads(json.dumps(x))', None), ('json.dumps(x)', None), ('p.write_bytes(b)', None)])
def test_direct_reads_are_told_from_others(source, name):
    assert [found for _, found in direct_reads(source)] == ([name] if name else [])


def test_nothing_is_read_but_by_the_guarded_readers():
    found = {str(path.relative_to(PACKAGE)): reads for path in sorted(PACKAGE.rglob('*.py'))
             if (reads := direct_reads(path.read_text()))}
    assert {path: reads for path, reads in found.items() if path not in ALLOWED} == {}
    assert found.keys() >= ALLOWED.keys()  # an entry that is needed no more is taken out

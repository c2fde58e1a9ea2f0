# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
The parts of the README that are printed from the sources.

Run this file to write them anew; test_readme.py compares them. A file's line in the tree is the
first sentence of its docstring or of its first comment.
"""

import ast
from fnmatch import fnmatch
import os
from pathlib import Path
import re
import subprocess
import sys

ROOT = Path(__file__).resolve().parents[1]
README = ROOT / 'README.md'
BLOCK = '<!-- {name} -->\n{text}\n<!-- end of {name} -->'
LICENSE_LINES = ('SPDX-FileCopyrightText', 'SPDX-License-Identifier')
# Files that cannot carry a sentence of their own.
SENTENCES = {
    'LICENSE': 'Apache License 2.0',
    'doc/occupancy.png': 'the picture above, which make demo draws larger',
    'resource/bdc_occ_ros': "the package's marker in the ament index",
    'README.md': 'this page',
}


def project_files() -> list[Path]:
    """List the files of the project, below the root: all but .git and what .gitignore names."""
    ignored = [line.strip('/') for line in (ROOT / '.gitignore').read_text().split()] + ['.git']
    found = []
    for folder, subfolders, names in os.walk(ROOT):
        subfolders[:] = [name for name in subfolders if not _is_ignored(name, ignored)]
        found += [Path(folder, name).relative_to(ROOT) for name in names
                  if not _is_ignored(name, ignored)]
    return found


def _is_ignored(name: str, ignored: list[str]) -> bool:
    return any(fnmatch(name, pattern) for pattern in ignored)


def sentence_of(path: Path) -> str:
    """Return the line of one file: its first sentence, without the full stop."""
    if path.as_posix() in SENTENCES:
        return SENTENCES[path.as_posix()]
    if path.suffix == '.safetensors':
        return f'the weights that {path.with_suffix(".md").name} describes'
    text = (ROOT / path).read_text()
    if path.suffix == '.py':
        words = ast.get_docstring(ast.parse(text)) or ''
    else:
        words = _first_comment(text)
    paragraph = ' '.join(words.split('\n\n')[0].split())
    sentence = re.split(r'(?<=[.;:])\s', paragraph)[0].rstrip('.;:')
    assert sentence, f'{path} needs a docstring or a first comment'
    return sentence


def _first_comment(text: str) -> str:
    """Return the first comment, heading or plain line that is not the licence."""
    found = []
    for line in text.splitlines():
        bare = re.sub(r'^(<!--|#+!?|/\*|//|\s)+|(-->|\*/)\s*$', '', line).strip()
        is_skipped = (not bare or bare.startswith(('<?xml', '/usr/bin', 'cspell', '==='))
                      or any(mark in line for mark in LICENSE_LINES))
        if is_skipped and found:
            break
        if not is_skipped:
            found.append(bare)
            if bare.endswith('.'):
                break
    return ' '.join(found)


def tree() -> str:
    """Return the file tree with one line per file."""
    lines, shown = [], Path()
    for path in sorted(project_files(), key=lambda path: (len(path.parts) > 1, path)):
        for depth, folder in enumerate(path.parent.parts):
            if path.parts[:depth + 1] != shown.parts[:depth + 1]:
                lines.append(f'{"  " * depth}{folder}/')
        shown = path.parent
        indent = '  ' * len(path.parent.parts)
        lines.append(f'{indent}{path.name:<{34 - len(indent)}} {sentence_of(path)}')
    return '```text\n' + '\n'.join(lines) + '\n```'


def parameters() -> str:
    """Return the table of the node's parameters."""
    return subprocess.run(
        [sys.executable, '-m', 'bdc_occ_ros.ros.parameters', '--markdown'],
        cwd=ROOT, check=True, capture_output=True, text=True).stdout.strip()


BLOCKS = {'tree': tree, 'parameters': parameters}


def renewed(text: str) -> str:
    """
    Return the README with every block printed anew.

    :param text: The README as it is.
    """
    for name, printed in BLOCKS.items():
        pattern = re.escape(BLOCK.format(name=name, text='@')).replace('@', '.*?')
        assert re.search(pattern, text, re.DOTALL), f'the README has no block {name}'
        block = BLOCK.format(name=name, text=printed())
        text = re.sub(pattern, lambda _, block=block: block, text, flags=re.DOTALL)
    return text


if __name__ == '__main__':
    README.write_text(renewed(README.read_text()))

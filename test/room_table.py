# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Print README's table of rooms from their docstrings; run this file to write it anew."""

import ast
from pathlib import Path
import re

ROOT = Path(__file__).resolve().parents[1]
README = ROOT / 'README.md'
START, END = '<!-- rooms -->\n', '<!-- end of rooms -->'


def with_fresh_table(text: str) -> str:
    """Return README's text with one line per room."""
    lines = ['| room | what it does |', '|---|---|']
    for init in sorted((ROOT / 'bdc_occ_ros').glob('*/__init__.py')):
        docstring = ast.get_docstring(ast.parse(init.read_text())) or ''
        sentence = ' '.join(docstring.split('\n\n')[0].split()).rstrip('.')
        assert sentence, f'{init} needs a docstring that says what the room does'
        lines.append(f'| `{init.parent.name}/` | {sentence} |')
    table = '\n'.join(lines) + '\n'
    return re.sub(f'(?<={START}).*?(?={END})', lambda _: table, text, count=1, flags=re.DOTALL)


if __name__ == '__main__':
    README.write_text(with_fresh_table(README.read_text()))

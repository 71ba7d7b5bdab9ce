"""The recipes of the manual, run as they stand."""

import pathlib
import re

DOCS = pathlib.Path(__file__).parents[3] / "docs"
BLOCK = re.compile(r"^```(\w+)[^\n]*\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(heading):
    """The blocks below a heading and before the next: pairs of language and text."""
    begin = re.compile(rf"^#+ {re.escape(heading)}\n", re.MULTILINE)
    found = [text for text in map(pathlib.Path.read_text, sorted(DOCS.rglob("*.md"))) if begin.search(text)]
    if len(found) != 1:
        raise LookupError(f"{len(found)} pages have the heading {heading!r}")
    below = begin.split(found[0])[1]
    # A line that begins with # is a heading, but in a block.
    section, inside = [], False
    for line in below.splitlines():
        inside ^= line.startswith("```")
        if not inside and re.match(r"#+ ", line):
            break
        section.append(line)
    return BLOCK.findall("\n".join(section) + "\n")


def of(heading, language):
    return [text for found, text in blocks(heading) if found == language]

"""The manual's page on Kubernetes. Its recipes are run unchanged."""

import pathlib
import re

PAGE = pathlib.Path(__file__).parents[3] / "docs/book/src/guides/kubernetes.md"
BLOCK = re.compile(r"^```(\w+)[^\n]*\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(heading):
    """The blocks between a heading and the next one: pairs of language and text."""
    begin = re.compile(rf"^#+ {re.escape(heading)}\n", re.MULTILINE)
    parts = begin.split(PAGE.read_text())
    if len(parts) != 2:
        raise LookupError(f"{len(parts) - 1} sections of the page are headed {heading!r}")
    below = parts[1]
    # A line that begins with # is a heading, except inside a code block.
    section, inside = [], False
    for line in below.splitlines():
        inside ^= line.startswith("```")
        if not inside and re.match(r"#+ ", line):
            break
        section.append(line)
    return BLOCK.findall("\n".join(section) + "\n")


def of(heading, language):
    return [text for found, text in blocks(heading) if found == language]

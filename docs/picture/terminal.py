#!/usr/bin/env python3
"""terminal.py PROGRAM: the picture of a terminal in README.md, as SVG on standard output, made from a real run.

As root, with docker: docs/picture/terminal.py target/release/gangplank > docs/book/src/terminal.svg
"""

import html
import os
import pathlib
import pty
import re
import subprocess
import sys
import tempfile

COLUMNS = 112
TOP = pathlib.Path(__file__).resolve().parents[2]
BOOK = TOP / "crates/gangplank/tests/book"
# The used colours, of the eight of a terminal, for a dark background.
COLOURS = {31: "#ff7b72", 32: "#7ee787", 33: "#e3b341", 36: "#79c0ff"}
CODE = re.compile(r"\x1b\[([?0-9;]*)([A-Za-z])|\x1b[()][A-Z0-9]")


class Screen:
    """The picture of a terminal after all that it was sent: lines of characters with their style."""

    def __init__(self):
        self.lines, self.row, self.column, self.style = [[]], 0, 0, (None, False, False)

    def send(self, text):
        at = 0
        while at < len(text):
            code = CODE.match(text, at)
            if code:
                self.code(code[1] or "", code[2] or "")
                at = code.end()
                continue
            self.character(text[at])
            at += 1

    def code(self, numbers, letter):
        number = int(numbers) if numbers.isdigit() else 0
        if letter == "A":
            self.row = max(0, self.row - max(1, number))
        elif letter == "B":
            self.down(max(1, number))
        elif letter == "K":
            line = self.lines[self.row]
            del line[0 if number == 2 else self.column :]
        elif letter == "J" and number in (2, 3):
            self.__init__()
        elif letter == "J":
            del self.lines[self.row + 1 :]
            del self.lines[self.row][self.column :]
        elif letter == "H":
            self.row, self.column = 0, 0
        elif letter == "m":
            self.dress(numbers)

    def dress(self, numbers):
        colour, bold, dim = self.style
        for number in [int(each or 0) for each in numbers.split(";")]:
            if number == 0:
                colour, bold, dim = None, False, False
            elif number == 1:
                bold = True
            elif number == 2:
                dim = True
            elif number in COLOURS:
                colour = COLOURS[number]
        self.style = (colour, bold, dim)

    def down(self, lines):
        self.row += lines
        while len(self.lines) <= self.row:
            self.lines.append([])

    def character(self, character):
        if character == "\n":
            self.down(1)
            self.column = 0
        elif character == "\r":
            self.column = 0
        elif character >= " ":
            if self.column >= COLUMNS:
                self.down(1)
                self.column = 0
            line = self.lines[self.row]
            line.extend([(" ", (None, False, False))] * (self.column - len(line)))
            line[self.column : self.column + 1] = [(character, self.style)]
            self.column += 1


def recorded(program):
    """The bytes that the story sends to a terminal."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.environ["PATH"]
        environment = {
            "PATH": path, "BOOK": str(BOOK), "PROGRAM": str(pathlib.Path(program).resolve()), "LANG": "C.UTF-8",
            "VISIBLE": f"{TOP}:{pathlib.Path(program).resolve().parent}",
        }
        story = pathlib.Path(__file__).with_name("story.sh")
        command = [str(BOOK / "room.sh"), folder, "bash", "-c", f"stty cols {COLUMNS} rows 50; . {story}"]
        ours, theirs = pty.openpty()
        process = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=environment, close_fds=True)
        os.close(theirs)
        sent = b""
        while True:
            try:
                more = os.read(ours, 65536)
            except OSError:
                break
            if not more:
                break
            sent += more
        if process.wait() != 0:
            sys.exit(f"the story ended with {process.returncode}:\n{sent.decode(errors='replace')}")
        return sent.decode()


def span(text, style):
    colour, bold, dim = style
    marks = (f' fill="{colour}"' if colour else "") + (' font-weight="bold"' if bold else "")
    marks += ' opacity="0.6"' if dim else ""
    text = html.escape(text, quote=False)
    return f"<tspan{marks}>{text}</tspan>" if marks else text


def drawn(lines):
    height, width, left, top = 18, 8.4, 16, 44
    whole = f'viewBox="0 0 {left * 2 + COLUMNS * width:.0f} {top + len(lines) * height + 8}"'
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {whole} role="img" aria-label="A terminal with a tour of gangplank">',
        '<rect width="100%" height="100%" rx="8" fill="#0d1117"/>',
        *[f'<circle cx="{20 + 18 * at}" cy="18" r="5" fill="#30363d"/>' for at in range(3)],
        '<g font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, monospace" font-size="14" fill="#e6edf3">',
    ]
    for at, line in enumerate(lines):
        text, run, style = "", "", None
        for character, of in line:
            if of != style:
                text += span(run, style) if run else ""
                run, style = "", of
            run += character
        text += span(run, style) if run else ""
        if text.strip():
            out.append(f'<text x="{left}" y="{top + at * height}" xml:space="preserve">{text}</text>')
    return "\n".join([*out, "</g>", "</svg>", ""])


def main():
    screen = Screen()
    screen.send(recorded(sys.argv[1]))
    lines = screen.lines
    while lines and not lines[-1]:
        lines.pop()
    sys.stdout.write(drawn(lines))


main()

"""SHA256SUMS of the files in the folder, for `sha256sum --check`."""

import hashlib


def write(folder):
    files = sorted(file for file in folder.iterdir() if file.is_file())
    lines = [f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.name}\n" for file in files]
    (folder / "SHA256SUMS").write_text("".join(lines))

"""The archive for any Linux: unpacked in /usr/local it is an installation."""

import installed
from archive import Entry, compressed, tar


def write(release, parts, _work, folder):
    files = installed.everything(release, parts, "/usr/local", "share/zsh/site-functions")
    files[f"{installed.DOC}/gangplank.toml"] = Entry(installed.settings(release))
    inside = {f"{release.stem}/{path}": entry for path, entry in files.items()}
    (folder / f"{release.stem}.tar.gz").write_bytes(compressed(tar(inside, release.epoch)))

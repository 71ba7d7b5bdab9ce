"""Archives whose bytes depend only on their content: sorted, owned by root, with one time."""

import gzip
import io
import tarfile


class Entry:
    """A file, folder or link of an archive. `owner` is the number of its user and group."""

    def __init__(self, content=None, link=None, mode=0o644, owner=0):
        self.content, self.link, self.mode, self.owner = content, link, mode, owner

    @staticmethod
    def folder(mode=0o755, owner=0):
        return Entry(mode=mode, owner=owner)


def tar(entries, epoch):
    """An archive of entries by their paths. Folders above them are made, with mode 0755."""
    whole = {}
    for path in entries:
        parts = path.split("/")
        for depth in range(1, len(parts)):
            whole.setdefault("/".join(parts[:depth]), Entry.folder())
    whole.update(entries)
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for path, entry in sorted(whole.items()):
            about = tarfile.TarInfo(path)
            about.mtime, about.mode, about.uid, about.gid = epoch, entry.mode, entry.owner, entry.owner
            if entry.link is not None:
                about.type, about.linkname, about.mode = tarfile.SYMTYPE, entry.link, 0o777
                archive.addfile(about)
            elif entry.content is None:
                about.type = tarfile.DIRTYPE
                archive.addfile(about)
            else:
                about.size = len(entry.content)
                archive.addfile(about, io.BytesIO(entry.content))
    return out.getvalue()


def compressed(content):
    """The bytes as `gzip -9n` compresses them."""
    return gzip.compress(content, 9, mtime=0)

"""The licences of the program's crates. Every copy of the program has their texts."""

LICENCE_FILES = ("licen", "copying", "notice", "unlicense", "copyright")


def notices(parts):
    """One text: the crates of the program, and each licence text once, with its crates."""
    foreign = [part for part in parts.values() if part.sha256]
    texts = {}
    for part in foreign:
        for file in sorted(part.folder.iterdir()):
            if file.is_file() and file.name.lower().startswith(LICENCE_FILES):
                text = file.read_text(errors="replace").replace("\r\n", "\n").strip()
                texts.setdefault(text, []).append(part.key)
    said = ["Gangplank is made of these crates, each under the licence beside it:", ""]
    said += [f"  {part.key}  {part.licence}  {', '.join(part.authors)}".rstrip() for part in foreign]
    for text, of in texts.items():
        said += ["", "-" * 80, ", ".join(sorted(set(of))), "-" * 80, "", text]
    return "\n".join(said) + "\n"

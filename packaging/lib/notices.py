"""The licences of the crates that the program is made of: their texts go with every copy of it."""

LICENCE_FILES = ("licen", "copying", "notice", "unlicense", "copyright")


def notices(parts):
    """One text: who is in the program, and every licence text once, with the crates it is of."""
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

// Replaces a file with secrets as a whole or not at all. It may belong to another user.
import { randomUUID } from "node:crypto";
import {
  chmodSync, chownSync, closeSync, fsyncSync, mkdirSync, openSync, realpathSync, renameSync, rmSync, statSync,
  writeFileSync,
} from "node:fs";
import { dirname } from "node:path";

/** Failures that mean that no other file may take this one's place, as where it is mounted by itself. */
const STAYS = new Set(["EBUSY", "EXDEV", "EPERM", "EACCES", "EROFS"]);

/** Puts a text in the place of what a file holds. Who reads meanwhile sees the old one or the new. */
export function replace(path, text) {
  const { file, before } = target(path);
  const folder = dirname(file);
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    replaceBy(`${file}.${randomUUID()}`, file, text, before);
  } catch (error) {
    if (!before || !STAYS.has(error.code)) throw new Error(`${path} cannot be written: ${error.code ?? error.message}`);
    writeFileSync(file, text);
  }
}

function replaceBy(another, file, text, before) {
  try {
    const open = openSync(another, "wx", 0o600);
    try {
      writeFileSync(open, text);
      fsyncSync(open);
    } finally {
      closeSync(open);
    }
    if (before && process.getuid?.() === 0) chownSync(another, before.uid, before.gid);
    // If others could open the file, only its owner can from now on.
    if (before && (before.mode & 0o007) === 0) chmodSync(another, before.mode & 0o770);
    renameSync(another, file);
  } catch (error) {
    rmSync(another, { force: true });
    throw error;
  }
}

/** The file at the end of links, and what it is, if it is there. */
function target(path) {
  try {
    const file = realpathSync(path);
    return { file, before: statSync(file) };
  } catch (error) {
    if (error.code !== "ENOENT") throw new Error(`${path} cannot be written: ${error.code}`);
    return { file: path };
  }
}

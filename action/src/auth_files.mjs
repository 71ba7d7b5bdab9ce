// The places where container tools look for a registry's login: docker's config.json, the helper that it names, and
// the file of podman, skopeo and buildah. Those are Go programs, so the case of a member's letters does not matter.
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";

import { replace } from "./private_file.mjs";

/** Reads every file that would be written, so that no login is made that has no place. */
export function check() {
  files().forEach(read);
}

/**
 * Puts a login where each tool looks. What else the files say stays as it is. Each place is told to `written` before it
 * changes, with what was there.
 */
export function put({ registry, username, password }, written) {
  const auth = encoded(username, password);
  for (const file of files()) {
    const content = read(file);
    const helper = helperOf(content, registry);
    if (helper) {
      written({ helper });
      ask(helper, "store", JSON.stringify({ ServerURL: registry, Username: username, Secret: password }));
    } else {
      const auths = member(content, "auths", {});
      written({ file, before: auths[registry] });
      auths[registry] = { auth };
      write(file, content);
    }
  }
}

/** Takes a login away where it still is, and puts back what was there before. */
export function takeAway({ registry, username, password }, places) {
  const auth = encoded(username, password);
  for (const { file, helper, before } of places) {
    if (helper) {
      ask(helper, "erase", registry);
      continue;
    }
    const content = read(file);
    const auths = member(content, "auths", {});
    if (auths[registry]?.auth !== auth) continue;
    if (before === undefined) delete auths[registry];
    else auths[registry] = before;
    write(file, content);
  }
}

/** A login as the files have it. */
export function encoded(username, password) {
  return Buffer.from(`${username}:${password}`).toString("base64");
}

/** The name of a place. */
export function nameOf({ file, helper }) {
  return file ?? program(helper);
}

// Docker's file is always written. Podman reads docker's file too if its own file has no entry. So podman's file is
// only written if it exists or was asked for.
function files() {
  const { DOCKER_CONFIG: docker, REGISTRY_AUTH_FILE: asked, XDG_RUNTIME_DIR: runtime } = process.env;
  const found = [join(docker || join(homedir(), ".docker"), "config.json")];
  if (asked) return [...found, asked];
  const own = runtime || `/run/containers/${process.getuid?.()}`;
  const config = process.env.XDG_CONFIG_HOME || join(homedir(), ".config");
  const podman = [own, config].map((folder) => join(folder, "containers", "auth.json"));
  return [...found, ...podman.filter((file) => existsSync(file))];
}

function read(file) {
  let text;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    if (error.code === "ENOENT") return {};
    throw new Error(`${file} cannot be read: ${error.code}`);
  }
  let content;
  try {
    content = JSON.parse(text.trim() || "{}") ?? {};
  } catch {
    // The error is reported below. It does not show the content, which may hold secrets.
  }
  const isOne = isObject(content) && isObject(member(content, "auths", {}));
  if (!isOne) throw new Error(`${file} is no file of docker's, and is left as it is: it holds no JSON object of logins`);
  return content;
}

function write(file, content) {
  replace(file, JSON.stringify(content, null, "\t"));
}

/** The member of this name in whatever letters; where there is none, it is made. */
function member(content, name, otherwise) {
  const spelled = Object.keys(content).find((key) => key.toLowerCase() === name.toLowerCase()) ?? name;
  content[spelled] ??= otherwise;
  return content[spelled];
}

/** The helper that tools ask for a registry's login instead of reading it; an empty name means the file. */
function helperOf(content, registry) {
  const find = (name) => Object.entries(content).find(([key]) => key.toLowerCase() === name.toLowerCase())?.[1];
  const helper = find("credHelpers")?.[registry] ?? find("credsStore");
  return typeof helper === "string" ? helper : "";
}

// The helper's output is not shown, because it may be a secret.
function ask(helper, action, text) {
  const { status, error } = spawnSync(program(helper), [action], { input: text, timeout: 60_000 });
  if (error) throw new Error(`${program(helper)}, which keeps docker's logins here, cannot be run: ${error.code}`);
  if (status !== 0) throw new Error(`${program(helper)}, which keeps docker's logins here, refused to ${action} one`);
}

function program(helper) {
  return `docker-credential-${helper}`;
}

function isObject(value) {
  return value !== null && typeof value === "object" && !Array.isArray(value);
}

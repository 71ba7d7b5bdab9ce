// The runner's interface for actions: environment variables, files, and commands in the log
// (https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands).
import { randomUUID } from "node:crypto";
import { appendFileSync } from "node:fs";

/** An input of the step; empty if it is not given. */
export function input(name) {
  return (process.env[`INPUT_${name.toUpperCase()}`] ?? "").trim();
}

/** An input of the step that has to be given. */
export function requiredInput(name) {
  const value = input(name);
  if (!value) throw new Error(`the input ${name} is missing`);
  return value;
}

/** Has a secret replaced by stars in the job's log from here on. */
export function mask(secret) {
  command("add-mask", secret);
}

/** Ends the step as failed, with the reason. */
export function fail(error) {
  process.exitCode = 1;
  command("error", words(error));
}

/** Says what went wrong and is no reason to fail. */
export function warn(error) {
  command("warning", words(error));
}

/** Says something in the log. */
export function say(text) {
  process.stdout.write(`${printable(text)}\n`);
}

/** What later steps read as `steps.ID.outputs.NAME`. */
export function setOutput(name, value) {
  keep("GITHUB_OUTPUT", name, value);
}

/** What only this action's last step is told. */
export function saveState(name, value) {
  keep("GITHUB_STATE", name, JSON.stringify(value));
}

/** What the first step of this action saved; undefined if it saved nothing. */
export function savedState(name) {
  const value = process.env[`STATE_${name}`];
  return value ? JSON.parse(value) : undefined;
}

// Text from outside as one line without orders: control characters are escaped, and so is the beginning of an older
// kind of command, which runners recognise anywhere in a line.
function printable(text) {
  const hidden = /[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g;
  const code = (letter) => `\\u{${letter.codePointAt(0).toString(16)}}`;
  return String(text).replace(hidden, code).replaceAll("##[", "## [");
}

function words(error) {
  return printable(error instanceof Error ? error.message : error);
}

function command(name, text) {
  const data = text.replaceAll("%", "%25").replaceAll("\r", "%0D").replaceAll("\n", "%0A");
  process.stdout.write(`::${name}::${data}\n`);
}

function keep(variable, name, value) {
  const file = process.env[variable];
  if (!file) throw new Error(`${variable} is not set: this program is run by a job, as a step of it`);
  const end = `end_${randomUUID()}`;
  appendFileSync(file, `${name}<<${end}\n${value}\n${end}\n`);
}

// The server under test: its options, its command line, and ways to sign in.
import { execFileSync } from "node:child_process";

/** What the trial's other half, which started the server, says of it. */
export const world = JSON.parse(process.env.GANGPLANK_WORLD);

/** What a command of the program prints, as the server's root key. */
export function gangplank(...args) {
  const env = { ...process.env, AWS_CONFIG_FILE: "/dev/null", AWS_SHARED_CREDENTIALS_FILE: "/dev/null" };
  return execFileSync(process.env.GANGPLANK, [...args, "--data-dir", world.data], { encoding: "utf8", env });
}

/** The same, read as JSON. */
export const told = (...args) => JSON.parse(gangplank(...args, "--output", "json"));

/** What an operation of Lightsail's answers; these commands know the server by the environment alone. */
export function lightsail(...args) {
  const env = {
    ...process.env,
    AWS_CONFIG_FILE: `${world.data}/config`, AWS_SHARED_CREDENTIALS_FILE: `${world.data}/credentials`,
  };
  return JSON.parse(execFileSync(process.env.GANGPLANK, ["lightsail", ...args], { encoding: "utf8", env }));
}

/** A one-time link. */
export const link = () => gangplank("console", "--print").trim();

/** Signs in by a link. */
export async function enterByLink(page) {
  await page.goto(link());
  await page.getByRole("button", { name: "Open the console" }).click();
  await page.getByRole("heading", { level: 1, name: "Services" }).waitFor();
}

/** Signs in by an access key. */
export async function enterByKey(page, key, origin = world.endpoint) {
  await page.goto(`${origin}/console/in`);
  await page.getByLabel("Access key id").fill(key.id);
  await page.getByLabel("Secret access key").fill(key.secret);
  await page.getByRole("button", { name: "Sign in" }).click();
}

/** Where the pages of the account and region are. */
export const place = (origin = world.endpoint) => `${origin}/console/${world.account}/us-east-1`;

/** The ids of the logins that are live. */
export const live = () =>
  told("registry-login", "list").registryLogins.filter(({ status }) => status.toUpperCase() === "ACTIVE").map(({ id }) => id);

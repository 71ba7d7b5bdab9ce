// The job's identity token, from the CI that runs it (https://docs.github.com/en/actions/reference/security/oidc).
import { send } from "./http.mjs";
import { mask } from "./runner.mjs";

/** Claims by which roles know jobs, and people too. */
const TELLING = ["iss", "sub", "repository", "ref", "environment", "event_name", "job_workflow_ref"];

/** A token that is made for an audience. */
export async function identityToken(audience) {
  const { ACTIONS_ID_TOKEN_REQUEST_URL: address, ACTIONS_ID_TOKEN_REQUEST_TOKEN: bearer } = process.env;
  if (!address || !bearer) throw new Error(noToken());
  const url = new URL(address);
  url.searchParams.append("audience", audience);
  const headers = { authorization: `Bearer ${bearer}`, accept: "application/json" };
  const answer = await send(url, { headers });
  // The CI's answer is not shown, because it may be a secret.
  if (answer.status !== 200) throw new Error(`the CI gave no identity token: it answered ${answer.status}`);
  let token;
  try {
    token = JSON.parse(answer.text).value;
  } catch {
    // The error is reported below.
  }
  if (typeof token !== "string" || !/^[\w-]+\.[\w-]+\.[\w-]*$/.test(token)) {
    throw new Error("the CI's answer holds no identity token");
  }
  mask(token);
  return token;
}

/** What a token says of the job, for whoever looks for what a role does not trust. */
export function claims(token) {
  let said;
  try {
    said = JSON.parse(Buffer.from(token.split(".")[1], "base64url").toString("utf8"));
  } catch {
    return "nothing that can be read";
  }
  const known = TELLING.filter((name) => typeof said[name] === "string");
  return known.map((name) => `${name}=${said[name]}`).join(", ") || "nothing of a repository";
}

function noToken() {
  const isFork = (process.env.GITHUB_EVENT_NAME ?? "").startsWith("pull_request");
  const fork = isFork ? ". A pull request from a fork is given none, whatever the workflow says" : "";
  return (
    "this job may ask for no identity token: add `permissions: id-token: write` to it, and `contents: read` if it " +
    `checks out the repository (in Forgejo: \`enable-openid-connect: true\`)${fork}`
  );
}

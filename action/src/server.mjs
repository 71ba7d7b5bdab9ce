// The two calls to a Gangplank server. They are not signed: a token or a password proves who calls.
import { send } from "./http.mjs";

const EXCHANGE = "Gangplank_20261123.ExchangeIdentityToken";
const REVOKE = "Gangplank_20261123.RevokeOwnRegistryLogin";

/** Refusals that pass. */
const PASSING = new Set(["ThrottlingException", "IDPCommunicationErrorException"]);

/** A refusal in the server's words. */
export class Refusal extends Error {
  constructor(status, code, message) {
    super(message);
    Object.assign(this, { status, code });
  }
}

/** The server's address. */
export function address(text) {
  let url;
  try {
    url = new URL(text);
  } catch {
    throw new Error(`the endpoint ${text} is no address: it looks like https://registry.example.com`);
  }
  if (url.protocol !== "https:" && url.protocol !== "http:") {
    throw new Error(`the endpoint ${text} is no address of a server: it begins with https://`);
  }
  if (url.username || url.password || url.search || url.hash) {
    throw new Error(`the endpoint has more than an address: give it as ${url.origin}${url.pathname}`);
  }
  if (url.protocol === "http:" && !isLoopback(url.hostname)) {
    throw new Error(
      `the endpoint ${text} speaks no TLS, and whoever is on the way could take the login: give it as https://` +
        " (gangplank serve --tls-cert, or a proxy in front of it); http:// is taken on loopback only",
    );
  }
  return url;
}

/** Has a login made for an identity token. */
export async function exchange(server, request) {
  const { registryLogin } = await call(server, EXCHANGE, request);
  return registryLogin ?? {};
}

/** Ends a login, for whoever has its password. */
export async function revoke(server, password) {
  await call(server, REVOKE, { password });
}

async function call({ endpoint, ca }, target, input) {
  const headers = { "content-type": "application/x-amz-json-1.1", "x-amz-target": target };
  const passes = (answer) => PASSING.has(refusal(answer)?.code);
  const answer = await send(endpoint, { method: "POST", headers, body: JSON.stringify(input), ca, passes });
  const read = body(answer.text);
  if (answer.status === 200 && read) return read;
  throw refusal(answer) ?? new Error(`what answers at ${endpoint.origin} is no Gangplank server (status ${answer.status})`);
}

function refusal({ status, text }) {
  const { __type: type, code = type, message } = body(text) ?? {};
  if (status === 200 || typeof code !== "string") return undefined;
  return new Refusal(status, code.split("#").pop(), typeof message === "string" ? message : "");
}

function body(text) {
  try {
    const read = JSON.parse(text);
    return read !== null && typeof read === "object" ? read : undefined;
  } catch {
    return undefined;
  }
}

function isLoopback(host) {
  return host === "localhost" || host.endsWith(".localhost") || host === "[::1]" || /^127(\.\d+){3}$/.test(host);
}

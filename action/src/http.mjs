// Requests to the server and to the CI. They do not use `fetch`, which accepts no certificates for a single step and,
// before node 24, no proxy from the environment.
import http from "node:http";
import https from "node:https";
import { readFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import tls from "node:tls";

/** How often a request is sent. */
const ATTEMPTS = 4;
/** How long one may take, in milliseconds. */
const PATIENCE = 60_000;
/** The most bytes of an answer. */
const LONGEST = 1 << 20;

/** Failures that sending again does not change. */
const LASTING = new Set(["ENOTFOUND", "ERR_INVALID_CHAR"]);

/** The certificates in a file, beside those that are trusted already. */
export function certificates(file) {
  let text;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    throw new Error(`the ca-file ${file} cannot be read: ${error.code ?? error.message}`);
  }
  const found = text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g);
  if (!found) throw new Error(`the ca-file ${file} holds no certificate in the form PEM`);
  const trusted = tls.getCACertificates?.("default") ?? tls.rootCertificates;
  return [...trusted, ...found];
}

/**
 * Sends a request until there is an answer that sending again would not change, which `passes` may know better.
 * Redirections are not followed: the token would go with them.
 */
export async function send(url, { passes = () => false, ...request }) {
  for (let attempt = 1; ; attempt += 1) {
    const last = attempt === ATTEMPTS;
    try {
      const answer = await sendOnce(url, request);
      if (last || !(answer.status >= 500 || answer.status === 429 || passes(answer))) return answer;
    } catch (error) {
      if (last || isOfTls(error) || LASTING.has(error.code)) throw new Error(unreachable(url, error));
    }
    await pause(2 ** (attempt - 1) * 1000 * (0.5 + Math.random() / 2));
  }
}

function sendOnce(url, { method = "GET", headers = {}, body, ca }) {
  const { promise, resolve, reject } = deferred();
  const isTls = url.protocol === "https:";
  // An older node ignores `proxyEnv`.
  const agent = new (isTls ? https : http).Agent({ proxyEnv: process.env, ...(isTls && ca ? { ca } : {}) });
  const signal = AbortSignal.timeout(PATIENCE);
  const length = body === undefined ? {} : { "content-length": Buffer.byteLength(body) };
  const options = { method, agent, signal, headers: { "user-agent": "gangplank-action", ...headers, ...length } };
  const request = (isTls ? https : http).request(url, options, (answer) => {
    const parts = [];
    let size = 0;
    answer.on("data", (part) => {
      size += part.length;
      if (size > LONGEST) request.destroy(new Error("its answer has no end"));
      parts.push(part);
    });
    answer.on("end", () => resolve({ status: answer.statusCode, text: Buffer.concat(parts).toString("utf8") }));
    answer.on("error", reject);
  });
  request.on("error", (error) => reject(signal.aborted ? new Error("it took more than a minute") : error));
  request.end(body);
  return promise.finally(() => agent.destroy());
}

function deferred() {
  const made = {};
  made.promise = new Promise((resolve, reject) => Object.assign(made, { resolve, reject }));
  return made;
}

function isOfTls(error) {
  const code = String(error.code ?? "");
  return code.startsWith("ERR_TLS") || code.startsWith("ERR_SSL") || code === "EPROTO" || code.includes("CERT");
}

function unreachable(url, error) {
  const code = String(error.code ?? "");
  const why = error.message || code || "it cannot be reached";
  let advice = "";
  if (code === "ERR_TLS_CERT_ALTNAME_INVALID") {
    advice = ". Its certificate is for another name: give the endpoint as the certificate has it";
  } else if (code === "CERT_HAS_EXPIRED") {
    advice = ". Its certificate has ended: renew it on the server";
  } else if (code.includes("CERT") || code === "UNABLE_TO_VERIFY_LEAF_SIGNATURE") {
    advice = ". If a certificate authority of your own has signed its certificate, name the authority's with the input ca-file";
  } else if (isOfTls(error)) {
    advice = ". If it speaks no TLS there, an address with http:// is taken on loopback only";
  }
  return `${url.origin} cannot be asked: ${why}${advice}`;
}

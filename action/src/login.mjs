// The step itself: exchanges the job's token for a login, and writes it where docker and podman look.
import * as authFiles from "./auth_files.mjs";
import { certificates } from "./http.mjs";
import { claims, identityToken } from "./identity_token.mjs";
import { fail, input, mask, requiredInput, say, saveState, setOutput } from "./runner.mjs";
import { Refusal, address, exchange } from "./server.mjs";

try {
  await run();
} catch (error) {
  fail(error);
}

async function run() {
  const endpoint = address(requiredInput("endpoint"));
  const role = requiredInput("role");
  if (!/^arn:[\w-]+:iam::\d{12}:role\/\S+$/.test(role)) {
    throw new Error(`the role ${role} is no ARN: it looks like arn:aws:iam::000000000000:role/push-web`);
  }
  const caFile = input("ca-file");
  const ca = caFile ? certificates(caFile) : undefined;
  authFiles.check();

  const serviceName = input("service-name") || undefined;
  const made = await loginFor({ endpoint, ca }, { roleArn: role, region: input("region") || undefined, serviceName });
  const login = taken(made, endpoint);
  // Save the login first: the last step has to end it, whatever happens in this one.
  saveState("login", { endpoint: endpoint.href, caFile, ...login });

  const places = [];
  authFiles.put(login, (place) => {
    if (place.before?.auth) mask(place.before.auth);
    places.push(place);
    saveState("places", places);
  });
  const expiresAt = new Date(made.expiresAt * 1000).toISOString();
  setOutput("registry", login.registry);
  setOutput("expires-at", expiresAt);
  const kind = serviceName ? `login that pulls the images of ${serviceName}` : "push login";
  say(`A ${kind} for ${login.registry} is in ${places.map(authFiles.nameOf).join(" and ")}. It ends ${expiresAt}.`);
}

/** Has a login made, for a token that is made for whom the server takes. */
async function loginFor(server, request) {
  const { endpoint } = server;
  const said = input("audience");
  const audiences = said ? [said] : [endpoint.hostname, endpoint.href.replace(/\/+$/, "")];
  let refused;
  for (const audience of audiences) {
    const token = await identityToken(audience);
    try {
      const login = await exchange(server, { ...request, identityToken: token });
      if (typeof login.password === "string") mask(login.password);
      return login;
    } catch (error) {
      // The server may accept the other audience, or the role may trust it.
      const mayPass = isOfAudience(error) || error.code === "AccessDeniedException";
      if (!mayPass) throw explained(error, request, audiences, token);
      // "The role does not trust the job" says more than "the token has another audience".
      if (!refused || !isOfAudience(error)) refused = explained(error, request, audiences, token);
    }
  }
  throw refused;
}

function isOfAudience(error) {
  return error instanceof Refusal && error.message.startsWith("Incorrect token audience");
}

/** A refusal with what to do about it. */
function explained(error, { roleArn }, audiences, token) {
  if (!(error instanceof Refusal)) return error;
  const { code, message } = error;
  const refused = `the server refused with ${code}: ${message}`;
  if (isOfAudience(error)) {
    const asked = audiences.map((audience) => `"${audience}"`).join(" and ");
    return new Error(
      `${refused} This job's token was made for ${asked}: say another with the input audience, or add one of these to ` +
        "the audiences of the issuer in the server's file",
    );
  }
  if (message.startsWith("No OpenIDConnect provider found")) {
    return new Error(`${refused} The server's operator adds an [[issuer]] to its file, whose url is the token's iss`);
  }
  if (code === "AccessDeniedException") {
    const name = roleArn.split("/").pop();
    return new Error(
      `${refused} This job's token says: ${claims(token)}. gangplank role show ${name} says what the role trusts, and ` +
        `gangplank audit --kind CallRefused why it did not trust this job`,
    );
  }
  if (code === "UnknownOperationException") {
    return new Error(`${refused} The server is older than this action, or something else answers at the endpoint`);
  }
  return new Error(refused);
}

/** The login that the server made, if it is one that anybody can use, and for a registry that it may speak for. */
function taken({ username, password, registry, expiresAt }, endpoint) {
  const isWord = (word) => typeof word === "string" && /^[\x21-\x7e]+$/.test(word);
  const isLogin = [username, password, registry].every(isWord) && !username.includes(":");
  if (!isLogin || !Number.isFinite(expiresAt)) throw new Error("the server made a login that nobody can use");
  const usual = `${endpoint.hostname}:${endpoint.protocol === "https:" ? 443 : 80}`;
  if (![endpoint.host, usual, input("registry")].includes(registry)) {
    throw new Error(
      `the server names the registry ${registry}, which is not at the endpoint. If that is right, say so with the input ` +
        `registry: ${registry}`,
    );
  }
  mask(authFiles.encoded(username, password));
  return { registry, username, password };
}

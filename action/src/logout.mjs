// The last step of the job: removes the login from the files and ends it at the server. A failure here does not fail
// the job, because the login ends by itself.
import * as authFiles from "./auth_files.mjs";
import { certificates } from "./http.mjs";
import { mask, savedState, say, warn } from "./runner.mjs";
import { Refusal, revoke } from "./server.mjs";

const login = savedState("login");
if (login) {
  mask(login.password);
  mask(authFiles.encoded(login.username, login.password));
  await attempt(() => authFiles.takeAway(login, savedState("places") ?? []), "was taken away");
  await attempt(end, "was ended");
}

async function end() {
  const ca = login.caFile ? certificates(login.caFile) : undefined;
  try {
    await revoke({ endpoint: new URL(login.endpoint), ca }, login.password);
  } catch (error) {
    // An older server has no such call, and its logins end by themselves. A login that has ended already is no error.
    if (error instanceof Refusal && ["UnknownOperationException", "NotFoundException"].includes(error.code)) return;
    throw error;
  }
}

async function attempt(step, done) {
  try {
    await step();
    say(`The login for ${login.registry} ${done}.`);
  } catch (error) {
    warn(error);
  }
}

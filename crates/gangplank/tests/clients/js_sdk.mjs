// A program with the AWS SDK for JavaScript that calls a Gangplank server. It only knows the server's two files.
// First argument: the folder whose node_modules has the SDK.
import assert from "node:assert/strict";
import { createRequire } from "node:module";

const require = createRequire(`${process.argv[2]}/`);
const { STSClient, GetCallerIdentityCommand, AssumeRoleWithWebIdentityCommand } = require("@aws-sdk/client-sts");
const { LightsailClient, GetContainerServicesCommand } = require("@aws-sdk/client-lightsail");
const { CloudWatchClient, ListMetricsCommand } = require("@aws-sdk/client-cloudwatch");

// Most workflows make this call before the first call of Lightsail, because of aws-actions/configure-aws-credentials.
const sts = new STSClient();
const identity = await sts.send(new GetCallerIdentityCommand());
assert.equal(identity.Account, "000000000000");
assert.equal(identity.UserId, "000000000000");
assert.equal(identity.Arn, "arn:aws:iam::000000000000:root");
assert.equal(identity.$metadata.attempts, 1);
const services = await new LightsailClient().send(new GetContainerServicesCommand());
assert.deepEqual(services.containerServices, []);

async function refused(name, call) {
  await assert.rejects(call, (error) => {
    assert.equal(error.name, name, error);
    assert.ok(error.message.length > 20, error);
    assert.ok(error.$metadata.requestId, error);
    assert.equal(error.$metadata.attempts, 1, error);
    return true;
  });
}

const nobody = new STSClient({ credentials: { accessKeyId: "GPAKNOBODYNOBODYNOBO", secretAccessKey: "no" } });
await refused("InvalidClientTokenId", nobody.send(new GetCallerIdentityCommand()));
const role = { RoleArn: "arn:aws:iam::000000000000:role/push-web", RoleSessionName: "ci", WebIdentityToken: "a.b.c" };
await refused("InvalidIdentityTokenException", sts.send(new AssumeRoleWithWebIdentityCommand(role)));
// The protocol of CloudWatch is CBOR.
await refused("UnknownOperationException", new CloudWatchClient().send(new ListMetricsCommand()));

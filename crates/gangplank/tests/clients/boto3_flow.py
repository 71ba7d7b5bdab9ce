"""Calls a Gangplank server as a boto3 program does. It only knows where the server's two files are."""

import datetime
import sys

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

ONCE = Config(retries={"total_max_attempts": 1})


def control_flow(host, digest):
    client = boto3.client("lightsail", config=ONCE)
    made = client.create_container_service(
        serviceName="boto3", power="micro", scale=2, tags=[{"key": "team", "value": "ünï"}])["containerService"]
    assert made["containerServiceName"] == "boto3" and made["state"] == "READY", made
    assert made["tags"] == [{"key": "team", "value": "ünï"}], made
    assert isinstance(made["createdAt"], datetime.datetime), made

    login = client.create_container_service_registry_login()["registryLogin"]
    assert (login["username"], login["registry"]) == ("AWS", host), login
    left = login["expiresAt"] - datetime.datetime.now(datetime.timezone.utc)
    assert datetime.timedelta(hours=11, minutes=59) < left <= datetime.timedelta(hours=12), left

    image = client.register_container_image(serviceName="boto3", label="app", digest=digest)["containerImage"]
    assert (image["image"], image["digest"]) == (":boto3.app.1", digest), image
    client.register_container_image(serviceName="boto3", label="app", digest=digest)
    images = client.get_container_images(serviceName="boto3")["containerImages"]
    assert [image["image"] for image in images] == [":boto3.app.2", ":boto3.app.1"], images
    client.delete_container_image(serviceName="boto3", image=":boto3.app.2")
    assert len(client.get_container_images(serviceName="boto3")["containerImages"]) == 1

    changed = client.update_container_service(serviceName="boto3", power="nano", isDisabled=True)
    assert changed["containerService"]["state"] == "DISABLED", changed
    operations = client.tag_resource(resourceName="boto3", tags=[{"key": "stage"}])["operations"]
    assert operations[0]["status"] == "Succeeded", operations
    client.untag_resource(resourceName="boto3", resourceArn=made["arn"], tagKeys=["team"])
    shown = client.get_container_services(serviceName="boto3")["containerServices"][0]
    assert [tag["key"] for tag in shown["tags"]] == ["stage"], shown

    powers = client.get_container_service_powers()["powers"]
    assert [power["name"] for power in powers][:3] == ["nano", "micro", "small"], powers
    assert client.get_container_api_metadata()["metadata"], "metadata"
    assert client.get_container_service_deployments(serviceName="boto3")["deployments"] == []
    everywhere = client.get_container_services()["containerServices"]
    assert sorted(service["containerServiceName"] for service in everywhere) == ["boto3", "web"], everywhere
    client.delete_container_service(serviceName="boto3")
    assert len(client.get_container_services()["containerServices"]) == 1


def web_identity(step, *digest):
    {"login": log_in, "register": register}[step](*digest)


def log_in():
    arn = boto3.client("sts").get_caller_identity()["Arn"]
    assert arn.startswith("arn:aws:sts::000000000000:assumed-role/push-web/"), arn
    print(boto3.client("lightsail").create_container_service_registry_login()["registryLogin"]["password"])


def register(digest):
    client = boto3.client("lightsail")
    image = client.register_container_image(serviceName="web", label="app", digest=digest)["containerImage"]
    refusal(client, client.exceptions.AccessDeniedException, "delete_container_service", serviceName="web")
    print(image["image"])


def errors():
    client = boto3.client("lightsail", config=ONCE)
    refusal(client, client.exceptions.NotFoundException, "get_container_services", serviceName="absent")
    refusal(client, client.exceptions.NotFoundException, "delete_container_service", serviceName="absent")
    refusal(client, client.exceptions.InvalidInputException, "create_container_service_registry_login")
    refusal(client, client.exceptions.InvalidInputException, "create_container_service",
            serviceName="Not_A_Name", power="nano", scale=1)
    client.create_container_service(serviceName="one", power="nano", scale=1)
    refusal(client, client.exceptions.InvalidInputException, "create_container_service",
            serviceName="one", power="nano", scale=1)
    refusal(client, client.exceptions.NotFoundException, "register_container_image",
            serviceName="one", label="app", digest="sha256:" + "0" * 64)
    keys = boto3.Session().get_credentials()
    unknown("UnrecognizedClientException", "GPAKNOBODYNOBODYNOBO", keys.secret_key)
    unknown("InvalidSignatureException", keys.access_key, "wrong")
    # Another region has other things.
    elsewhere = boto3.client("lightsail", config=ONCE, region_name="eu-west-1")
    assert elsewhere.get_container_services()["containerServices"] == []
    elsewhere.create_container_service(serviceName="one", power="nano", scale=1)


def sts_and_others(access_key_id, secret):
    identity = boto3.client("sts", config=ONCE).get_caller_identity()
    assert identity["Arn"] == "arn:aws:iam::000000000000:root", identity
    assert identity["Account"] == identity["UserId"] == "000000000000", identity
    assert identity["ResponseMetadata"]["RequestId"], identity
    other = boto3.client("sts", config=ONCE, aws_access_key_id=access_key_id, aws_secret_access_key=secret)
    identity = other.get_caller_identity()
    assert identity["Arn"] == f"arn:aws:iam::111122223333:user/{access_key_id}", identity
    assert (identity["Account"], identity["UserId"]) == ("111122223333", access_key_id), identity
    wrong = boto3.client("sts", config=ONCE, aws_access_key_id=access_key_id, aws_secret_access_key="wrong")
    coded("SignatureDoesNotMatch", wrong.get_caller_identity)
    coded("InvalidIdentityToken", lambda: other.assume_role_with_web_identity(
        RoleArn="arn:aws:iam::111122223333:role/push-web", RoleSessionName="ci", WebIdentityToken="a.b.c"))
    coded("ValidationError", lambda: other.assume_role_with_web_identity(
        RoleArn="arn:aws:iam::111122223333:role/push-web", RoleSessionName="c d", WebIdentityToken="a.b.c"))
    # One service for each of AWS's protocols. Every answer can be parsed.
    coded("InvalidAction", boto3.client("iam", config=ONCE).get_user)
    coded("InvalidAction", boto3.client("ec2", config=ONCE).describe_instances)
    coded("UnknownOperationException", boto3.client("ecr", config=ONCE).get_authorization_token)
    coded("UnknownOperationException", boto3.client("dynamodb", config=ONCE).list_tables)
    coded("UnknownOperationException", boto3.client("cloudwatch", config=ONCE).list_metrics)
    coded("UnknownOperationException", boto3.client("lambda", config=ONCE).list_functions)
    coded("InvalidAction", boto3.client("cloudfront", config=ONCE).list_distributions)
    coded("NotImplemented", boto3.client("s3", config=ONCE).list_buckets)


def coded(code, call):
    try:
        answer = call()
    except ClientError as error:
        assert error.response["Error"]["Code"] == code, error.response
        assert error.response["Error"]["Message"], error.response
    else:
        raise AssertionError(f"should have been refused with {code}: {answer}")


def refusal(client, kind, operation, **arguments):
    try:
        answer = getattr(client, operation)(**arguments)
    except kind as error:
        assert error.response["Error"]["Message"], error.response
        assert error.response["ResponseMetadata"]["RequestId"], error.response
    else:
        raise AssertionError(f"{operation} should have been refused: {answer}")


def unknown(code, access_key_id, secret):
    client = boto3.client("lightsail", config=ONCE, aws_access_key_id=access_key_id, aws_secret_access_key=secret)
    try:
        client.get_container_services()
    except ClientError as error:
        assert error.response["Error"]["Code"] == code, error.response
    else:
        raise AssertionError(f"should have been refused with {code}")


if __name__ == "__main__":
    globals()[sys.argv[1]](*sys.argv[2:])

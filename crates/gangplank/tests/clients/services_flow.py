"""A service as a boto3 program runs it: the deployment and the image's digest are given as JSON."""

import datetime
import json
import sys
import time
import urllib.request

import boto3

client = boto3.client("lightsail")
given = json.loads(sys.argv[1])
name = given["deployment"]["serviceName"]


def wait(what, is_so, seconds=60):
    end = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < end, what
        time.sleep(0.2)


def service():
    return client.get_container_services(serviceName=name)["containerServices"][0]


def ask(url):
    host = url.removeprefix("http://").rstrip("/")
    request = urllib.request.Request(f"http://127.0.0.1:{host.rsplit(':', 1)[1]}/", headers={"Host": host})
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request) as answer:
        return answer.read().decode()


image = client.register_container_image(serviceName=name, label="app", digest=given["digest"])["containerImage"]
assert image["image"] == f":{name}.app.1", image
deployed = client.create_container_service_deployment(**given["deployment"])["containerService"]
assert deployed["state"] == "DEPLOYING" and deployed["nextDeployment"]["version"] == 1, deployed
assert "currentDeployment" not in deployed, deployed
wait("it runs", lambda: service()["state"] == "RUNNING")
shown = service()
assert shown["currentDeployment"]["state"] == "ACTIVE" and "nextDeployment" not in shown, shown
assert isinstance(shown["currentDeployment"]["createdAt"], datetime.datetime), shown
assert ask(shown["url"]) == "by-boto3"

try:
    client.delete_container_image(serviceName=name, image=f":{name}.app.1")
    raise SystemExit("an image in use was deleted")
except client.exceptions.InvalidInputException:
    pass

events = client.get_container_log(serviceName=name, containerName="app")["logEvents"]
messages = [event["message"] for event in events]
assert messages[-1] == "[deployment:1] Reached a steady state" and "begins by-boto3" in messages, messages
assert all(isinstance(event["createdAt"], datetime.datetime) for event in events)
try:
    client.get_container_log(serviceName=name, containerName="nobody")
    raise SystemExit("a container that there never was has a log")
except client.exceptions.NotFoundException:
    pass


def points(metric):
    now = datetime.datetime.now(datetime.timezone.utc)
    return client.get_container_service_metric_data(
        serviceName=name, metricName=metric, startTime=now - datetime.timedelta(minutes=10), endTime=now,
        period=300, statistics=["Average", "Maximum"])["metricData"]


points("CPUUtilization")
patience = int(sys.argv[2])
if patience:
    wait("a point", lambda: points("CPUUtilization"), patience)
    for metric in ["CPUUtilization", "MemoryUtilization"]:
        point = points(metric)[-1]
        assert point["unit"] == "Percent" and 0 <= point["average"] <= point["maximum"] <= 100, point
        print(metric, point, file=sys.stderr)

assert client.update_container_service(serviceName=name, scale=2)["containerService"]["state"] == "UPDATING"
wait("it is larger", lambda: service()["state"] == "RUNNING")
assert ask(service()["url"]) == "by-boto3"
client.delete_container_service(serviceName=name)
try:
    service()
    raise SystemExit("a service that was deleted is there")
except client.exceptions.NotFoundException:
    pass

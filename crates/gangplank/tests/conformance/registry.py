"""A registry, as a client that trusts nothing sees it: requests, answers, logins."""

import base64
import http.client
import json
import re
import ssl
from urllib.parse import parse_qsl, quote, urlencode, urljoin, urlsplit, urlunsplit

from report import Failure, expect

INDEX = "application/vnd.oci.image.index.v1+json"
IMAGE = "application/vnd.oci.image.manifest.v1+json"
OCTETS = ("Content-Type", "application/octet-stream")
BOTH_MANIFESTS = [("Accept", INDEX), ("Accept", IMAGE)]

COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
REPOSITORY = re.compile(rf"/v2/({COMPONENT}(?:/{COMPONENT})*?)/(?:(?:blobs|manifests|tags|referrers)/)")
KIND = {"GET": "pull", "HEAD": "pull", "POST": "push", "PUT": "push", "PATCH": "push"}


class Answer:
    def __init__(self, method, url, status, headers, body):
        self.method, self.url, self.status, self.body = method, url, status, body
        self._headers = headers

    def headers(self, name):
        return [value for key, value in self._headers if key.lower() == name.lower()]

    def header(self, name):
        return next(iter(self.headers(name)), None)

    def json(self):
        try:
            return json.loads(self.body)
        except ValueError:
            raise Failure(f"{self}: not JSON: {self.body[:80]!r}") from None

    def location(self, params=()):
        """The URL in `Location`, with `params` added to its query."""
        location = self.header("Location")
        expect(location, f"{self}: no Location")
        return with_query(urljoin(self.url, location), params)

    def must_say(self, name, value):
        expect(self.headers(name) == [value], f"{self}: {name} is {self.headers(name)}, not {value!r}")

    def __str__(self):
        parts = urlsplit(self.url)
        query = "?" + parts.query if parts.query else ""
        return f"{self.method} {parts.path}{query} -> {self.status}"


class Registry:
    """Logs in as clients do: only when challenged, by the scheme that the challenge names."""

    def __init__(self, url, username="", password="", remember_login=True):
        self.base = url.rstrip("/")
        self._login = (username, password)
        self._remember = remember_login
        self._granted = {}
        self._connections = {}

    def url(self, path, params=()):
        return with_query(self.base + path, params)

    def blob(self, repo, digest):
        return self.url(f"/v2/{repo}/blobs/{digest}")

    def manifest(self, repo, reference, params=()):
        return self.url(f"/v2/{repo}/manifests/{reference}", params)

    def uploads(self, repo, params=()):
        return self.url(f"/v2/{repo}/blobs/uploads/", params)

    def ask(self, method, url, want=None, headers=(), body=None, unsized=False):
        """Sends a request. `want` has the right statuses. With `unsized` the body is in chunked transfer coding."""
        answer = self._ask(method, url, list(headers), body, unsized)
        if answer.status in (301, 302, 303, 307, 308) and method in ("GET", "HEAD"):
            answer = self._ask(method, answer.location(), list(headers), body, unsized)
        if want is not None:
            allowed = (want,) if isinstance(want, int) else want
            wanted = " or ".join(map(str, allowed))
            reason = answer.body[:200].decode("utf-8", "replace") if answer.status >= 400 else ""
            expect(answer.status in allowed, f"{answer}, not {wanted} {reason}".rstrip())
        return answer

    def _ask(self, method, url, headers, body, unsized):
        scope = self._scope(method, url)
        granted = self._granted.get(scope)
        answer = self._exchange(method, url, headers + ([granted] if granted else []), body, unsized)
        if answer.status == 401 and any(self._login):
            granted = self._meet_challenge(answer)
            if self._remember:
                self._granted[scope] = granted
            answer = self._exchange(method, url, headers + [granted], body, unsized)
        return answer

    def _scope(self, method, url):
        path = urlsplit(url).path
        if path == "/v2/":
            return ("", KIND.get(method, method))
        match = REPOSITORY.match(path)
        expect(match, f"{path}: no repository in the path, so a client cannot tell which login fits")
        return (match[1], KIND.get(method, method))

    def _meet_challenge(self, answer):
        challenge = answer.header("WWW-Authenticate")
        expect(challenge, f"{answer}: 401 without WWW-Authenticate")
        scheme = re.findall(r"(?i)basic|bearer", challenge)
        expect(scheme, f"{answer}: unknown challenge {challenge!r}")
        basic = "Basic " + base64.b64encode(":".join(self._login).encode()).decode()
        if scheme[-1].lower() == "basic":
            return ("Authorization", basic)
        fields = dict(re.findall(r'([A-Za-z]+)="(.*?)"', challenge))
        params = [(key, fields[key]) for key in ("service", "scope") if fields.get(key)]
        url = with_query(urljoin(answer.url, fields["realm"]), params)
        token = self._exchange("GET", url, [("Authorization", basic)], None, False)
        expect(token.status == 200, f"{token}: no token")
        return ("Authorization", "Bearer " + (token.json().get("access_token") or token.json()["token"]))

    def _exchange(self, method, url, headers, body, unsized):
        parts = urlsplit(url)
        target = urlunsplit(("", "", parts.path or "/", parts.query, ""))
        where = (parts.scheme, parts.netloc)
        for fresh in (False, True):
            connection = self._connections.get(where)
            if connection is None or fresh:
                fresh = True
                connection = self._connections[where] = connect(*where)
            try:
                answer = exchange(connection, method, target, headers, body, unsized)
            except (http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError):
                # An idle connection may have been closed, but a new one may not.
                connection.close()
                if fresh:
                    raise
                continue
            return Answer(method, url, *answer)


def connect(scheme, netloc):
    if scheme == "https":
        return http.client.HTTPSConnection(netloc, timeout=60, context=ssl.create_default_context())
    return http.client.HTTPConnection(netloc, timeout=60)


def exchange(connection, method, target, headers, body, unsized):
    connection.putrequest(method, target, skip_accept_encoding=True)
    # Like Go's client: if a registry compresses, Content-Length is lost and the check fails.
    connection.putheader("Accept-Encoding", "gzip")
    for name, value in headers:
        connection.putheader(name, value)
    if unsized:
        connection.putheader("Transfer-Encoding", "chunked")
    elif body is not None or method in ("POST", "PUT", "PATCH"):
        connection.putheader("Content-Length", str(len(body or b"")))
    try:
        if unsized:
            connection.endheaders(iter([body]), encode_chunked=True)
        else:
            connection.endheaders(body)
    except (BrokenPipeError, ConnectionResetError):
        pass  # The registry may have answered before it read everything.
    response = connection.getresponse()
    content = response.read()
    return response.status, response.getheaders(), content


def with_query(url, params):
    parts = urlsplit(url)
    query = parse_qsl(parts.query, keep_blank_values=True)
    query = [pair for pair in query if pair[0] not in {key for key, _ in params}] + list(params)
    return urlunsplit(parts._replace(query=urlencode(query, quote_via=quote, safe="")))

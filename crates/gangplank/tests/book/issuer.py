"""issuer.py WORK URL [NAME=JSON...]: an issuer of identity tokens that the server knows by its file, and a token of it.

Adds an [[issuer]] of URL to /etc/gangplank/gangplank.toml, with keys from a file beside it, and writes ./token.jwt with
the claims that are given beside the usual. `WORK` keeps the signing key.
"""

import base64
import json
import pathlib
import re
import subprocess
import sys
import time

FOLDER = pathlib.Path("/etc/gangplank")
AUDIENCE = "https://registry.example.com"


def openssl(*words, **options):
    return subprocess.run(["openssl", *words], check=True, capture_output=True, **options).stdout


def url_safe(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def main():
    work, url, *more = sys.argv[1:]
    key = pathlib.Path(work, "issuer.pem")
    openssl("genrsa", "-out", str(key), "2048")
    modulus = openssl("rsa", "-in", str(key), "-modulus", "-noout").decode().split("=")[1].strip()
    public = {"kty": "RSA", "alg": "RS256", "use": "sig", "kid": "1", "e": "AQAB", "n": url_safe(bytes.fromhex(modulus))}
    name = re.sub(r"\W+", "-", url)
    keys = FOLDER / f"{name}.jwks.json"
    keys.write_text(json.dumps({"keys": [public]}))
    with open(FOLDER / "gangplank.toml", "a", encoding="utf-8") as file:
        file.write(f'[[issuer]]\nurl = "{url}"\naudiences = ["{AUDIENCE}"]\njwks-file = "{keys}"\n')
    now = int(time.time())
    claims = {"iss": url, "aud": AUDIENCE, "iat": now, "nbf": now - 5, "exp": now + 300, "jti": "1"}
    claims.update((name, json.loads(value)) for name, value in (each.split("=", 1) for each in more))
    parts = [{"alg": "RS256", "typ": "JWT", "kid": "1"}, claims]
    signed = ".".join(url_safe(json.dumps(part).encode()) for part in parts)
    signature = openssl("dgst", "-sha256", "-sign", str(key), input=signed.encode())
    pathlib.Path("token.jwt").write_text(f"{signed}.{url_safe(signature)}")


main()

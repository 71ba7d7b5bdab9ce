# Commands that prepare a page. The script of each page sources this file, in its room (room.sh).
#
# given docker             a Docker of the page's own, with the image busybox in the place of Docker Hub's
# given image NAME         an image of docker's with a web server on port 8080
# given layout DIR         an image as an OCI layout, without an engine
# given server [OPTION...] a server on 127.0.0.1:5000, data in ./gangplank-data, and its profile in use
# given service NAME       a container service
# given registry [OPTION...]
#                          a server on https://registry.example.com, whose authority is trusted, and a profile of
#                          an access key in use; data in /var/lib/gangplank
# given bucket             an S3 server on http://127.0.0.1:9000 with a bucket registry and the key AKIDEXAMPLE
# given database           a PostgreSQL server on 127.0.0.1:5432 with a database gangplank of the user gangplank, whose
#                          password is an-example
# given issuer URL [NAME=JSON...]
#                          a part of /etc/gangplank/gangplank.toml that believes tokens of URL, made for
#                          https://registry.example.com; ./token.jwt is such a token, with these claims beside the usual

ROOM=/mnt/room
mkdir -p "$ROOM" /home/reader/.local/bin /etc/gangplank
export ROOM HOME=/home/reader USER=root LOGNAME=root TERM=dumb
export PATH="$HOME/.local/bin:/usr/local/bin:$PATH"
unset PAGER
touch /usr/local/bin/gangplank
mount --bind "$PROGRAM" /usr/local/bin/gangplank
cd "$HOME"

trap 'echo "== failed in ${BASH_SOURCE[0]} line $LINENO: $BASH_COMMAND"; cat "$ROOM"/terminal-* 2>/dev/null | tail -30' ERR

step() { echo "== line $1"; }

ended() { echo; echo "== the page is at its end"; }

# A command failed because of its permissions, and for no other reason.
denied() {
    cat "$ROOM/denied"
    grep -qiE 'denied|forbidden|only push|only pull|unauthorized|not authorized|refused' "$ROOM/denied" || {
        echo "== line $1 failed, and not because it was denied"
        exit 98
    }
}

allowed() {
    cat "$ROOM/denied"
    echo "== line $1 was to be denied"
    exit 97
}

# Waits until a program in another terminal prints a text.
terminal() {
    for _ in $(seq 200); do
        grep -q "$3" "$ROOM/terminal-$1" && return
        kill -0 "$2" || break
        sleep 0.1
    done
    cat "$ROOM/terminal-$1"
    echo "== what line $1 began has ended, or says nothing"
    exit 96
}

until_true() {
    for _ in $(seq 300); do
        "$@" >"$ROOM/tried" 2>&1 && return
        sleep 0.1
    done
    cat "$ROOM/tried"
    return 1
}

given() {
    local what="$1"
    shift
    "given_$what" "$@"
}

given_docker() {
    [ ! -S /var/run/docker.sock ] || return 0
    export DOCKER_CLI_HINTS=false
    dockerd --storage-driver=vfs --cgroup-parent="$ROOM_CGROUP" >"$ROOM/dockerd" 2>&1 &
    until_true docker info || { tail -20 "$ROOM/dockerd"; return 1; }
    mkdir -p "$ROOM/busybox/bin" "$ROOM/busybox/tmp"
    cp "$(command -v busybox)" "$ROOM/busybox/bin/"
    local name
    for name in $(busybox --list | grep -vx busybox); do ln -s busybox "$ROOM/busybox/bin/$name"; done
    tar -C "$ROOM/busybox" -c . | docker import --change 'CMD ["sh"]' - busybox:latest >/dev/null
}

given_image() {
    given docker
    mkdir -p "$ROOM/image"
    echo "This is $1." >"$ROOM/image/index.html"
    printf 'FROM busybox\nCOPY index.html /www/\nEXPOSE 8080\nCMD ["httpd", "-f", "-v", "-p", "8080", "-h", "/www"]\n' \
        >"$ROOM/image/Dockerfile"
    docker build --quiet --tag "$1" "$ROOM/image" 2>/dev/null
}

given_layout() {
    python3 "$BOOK/layout.py" "$1"
}

given_server() {
    gangplank serve --data-dir ./gangplank-data "$@" >"$ROOM/terminal-server" 2>&1 &
    terminal server $! listening
    gangplank configure --data-dir ./gangplank-data >/dev/null
    export AWS_PROFILE=gangplank
}

given_service() {
    gangplank lightsail create-container-service --service-name "$1" --power nano --scale 1 >/dev/null
}

given_certificate() {
    [ ! -e /etc/gangplank/ca.pem ] || return 0
    local dir=/etc/gangplank
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj /CN=authority \
        -keyout "$ROOM/ca.key" -out "$dir/ca.pem" 2>/dev/null
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=registry.example.com \
        -keyout "$dir/key.pem" -out "$ROOM/csr" 2>/dev/null
    printf 'subjectAltName=DNS:registry.example.com\nbasicConstraints=CA:FALSE\n' >"$ROOM/ext"
    openssl x509 -req -in "$ROOM/csr" -CA "$dir/ca.pem" -CAkey "$ROOM/ca.key" -CAcreateserial -days 30 \
        -extfile "$ROOM/ext" -out "$dir/cert.pem" 2>/dev/null
    cat "$dir/ca.pem" >>/etc/ssl/certs/ca-certificates.crt
    cp "$dir/ca.pem" /usr/local/share/ca-certificates/room.crt
    export AWS_CA_BUNDLE="$dir/ca.pem"
    mkdir -p /etc/docker/certs.d/registry.example.com
    cp "$dir/ca.pem" /etc/docker/certs.d/registry.example.com/ca.crt
}

given_registry() {
    given certificate
    touch /etc/gangplank/gangplank.toml
    gangplank serve --config /etc/gangplank/gangplank.toml --listen 127.0.0.1:443 --data-dir /var/lib/gangplank \
        --tls-cert /etc/gangplank/cert.pem --tls-key /etc/gangplank/key.pem "$@" >"$ROOM/terminal-registry" 2>&1 &
    terminal registry $! listening
    local id secret
    id="$(sed -n 's/^aws_access_key_id *= *//p' /var/lib/gangplank/credentials)"
    secret="$(sed -n 's/^aws_secret_access_key *= *//p' /var/lib/gangplank/credentials)"
    gangplank configure --endpoint-url https://registry.example.com --access-key-id "$id" \
        --secret-access-key-stdin <<<"$secret" >/dev/null
    export AWS_PROFILE=gangplank
}

given_bucket() {
    mkdir -p "$ROOM/bucket/registry"
    versitygw --keep-alive --quiet --port 127.0.0.1:9000 --access AKIDEXAMPLE --secret an-example-of-a-secret \
        posix "$ROOM/bucket" >"$ROOM/versitygw" 2>&1 &
    until_true curl --silent --output /dev/null http://127.0.0.1:9000/
}

given_database() {
    local programs=/usr/lib/postgresql/15/bin data="$ROOM/database"
    mkdir -p "$data" /run/postgresql
    chown postgres "$data" /run/postgresql
    echo an-example >"$ROOM/password"
    chmod 644 "$ROOM/password"
    setpriv --reuid=postgres --regid=postgres --clear-groups -- "$programs/initdb" --pgdata="$data" --no-sync \
        --username=gangplank --pwfile="$ROOM/password" --auth=scram-sha-256 --encoding=UTF8 --no-locale >"$ROOM/initdb"
    setpriv --reuid=postgres --regid=postgres --clear-groups -- "$programs/postgres" -D "$data" -h 127.0.0.1 \
        >"$ROOM/postgres" 2>&1 &
    until_true env PGPASSWORD=an-example "$programs/createdb" --host=127.0.0.1 --username=gangplank gangplank
}

given_issuer() {
    python3 "$BOOK/issuer.py" "$ROOM" "$@"
}

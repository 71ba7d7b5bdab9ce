-- Every row hangs from a tenant: an account in a region. Content is looked up through its
-- repository, a registered image through its service. Times are milliseconds since 1970.

CREATE TABLE tenants (
    id      INTEGER PRIMARY KEY,
    account TEXT NOT NULL,
    region  TEXT NOT NULL,
    UNIQUE (account, region)
) STRICT;

CREATE TABLE access_keys (
    id            TEXT PRIMARY KEY,
    account       TEXT NOT NULL,
    sealed_secret BLOB NOT NULL,
    is_root       INTEGER NOT NULL,
    enabled       INTEGER NOT NULL,
    created_at    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- An id is used once: what a deleted key made must not come to life with another key of its id.
CREATE TABLE deleted_access_keys (
    id TEXT PRIMARY KEY
) STRICT, WITHOUT ROWID;

CREATE TABLE services (
    -- AUTOINCREMENT: a deleted service's id must not open a later one to an old pull login.
    id                  INTEGER PRIMARY KEY AUTOINCREMENT,
    tenant              INTEGER NOT NULL REFERENCES tenants,
    name                TEXT NOT NULL,
    uuid                TEXT NOT NULL,
    power               TEXT NOT NULL,
    scale               INTEGER NOT NULL,
    is_disabled         INTEGER NOT NULL,
    puller_role_active  INTEGER NOT NULL,
    tags                TEXT NOT NULL,  -- JSON: [[key, value or null], ...]
    public_domain_names TEXT NOT NULL,  -- JSON: {certificate: [domain, ...]}
    created_at          INTEGER NOT NULL,
    last_image_number   INTEGER NOT NULL DEFAULT 0,
    made_by_key         TEXT,
    made_by_invocation  TEXT,
    UNIQUE (tenant, name)
) STRICT;

CREATE TABLE registry_logins (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    tenant        INTEGER NOT NULL REFERENCES tenants,
    access_key    TEXT NOT NULL,
    can_push      INTEGER NOT NULL,
    can_pull      INTEGER NOT NULL,
    can_delete    INTEGER NOT NULL,
    service       INTEGER,  -- of a pull login; it may be deleted, and the login is refused then
    password_hash BLOB NOT NULL UNIQUE,
    created_at    INTEGER NOT NULL,
    expires_at    INTEGER NOT NULL,
    revoked_at    INTEGER
) STRICT;
CREATE INDEX registry_logins_by_tenant ON registry_logins (tenant);
CREATE INDEX registry_logins_by_end ON registry_logins (expires_at);

CREATE TABLE repositories (
    id     INTEGER PRIMARY KEY,
    tenant INTEGER NOT NULL REFERENCES tenants,
    name   TEXT NOT NULL,
    UNIQUE (tenant, name)
) STRICT;

-- Bytes, once per tenant. The key is written once and never again.
CREATE TABLE blobs (
    id     INTEGER PRIMARY KEY,
    tenant INTEGER NOT NULL REFERENCES tenants,
    digest TEXT NOT NULL,
    size   INTEGER NOT NULL,
    key    TEXT NOT NULL UNIQUE,
    UNIQUE (tenant, digest)
) STRICT;

-- Which repository holds which blob. The lease says when a client was last told so.
CREATE TABLE blob_links (
    repository INTEGER NOT NULL REFERENCES repositories,
    blob       INTEGER NOT NULL REFERENCES blobs,
    leased_at  INTEGER NOT NULL,
    PRIMARY KEY (repository, blob)
) STRICT, WITHOUT ROWID;
CREATE INDEX blob_links_by_blob ON blob_links (blob);

CREATE TABLE uploads (
    id         TEXT PRIMARY KEY,
    tenant     INTEGER NOT NULL REFERENCES tenants,
    repository TEXT NOT NULL,
    access_key TEXT NOT NULL,
    received   INTEGER NOT NULL,
    hash_state BLOB NOT NULL,
    run        TEXT NOT NULL,  -- the run of the server that last vouched for the staged bytes
    created_at INTEGER NOT NULL,
    touched_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX uploads_by_tenant ON uploads (tenant);
CREATE INDEX uploads_by_touch ON uploads (touched_at);
CREATE INDEX uploads_by_age ON uploads (created_at);

CREATE TABLE manifests (
    id            INTEGER PRIMARY KEY,
    repository    INTEGER NOT NULL REFERENCES repositories,
    digest        TEXT NOT NULL,
    media_type    TEXT NOT NULL,
    artifact_type TEXT,
    subject       TEXT,
    annotations   TEXT NOT NULL,     -- JSON object
    depth         INTEGER NOT NULL,  -- 0 for an image, 1 + the deepest child for an index
    created_at    INTEGER NOT NULL,
    size          INTEGER NOT NULL,
    body          BLOB NOT NULL,
    UNIQUE (repository, digest)
) STRICT;
CREATE INDEX manifests_by_digest ON manifests (digest);
CREATE INDEX manifests_by_subject ON manifests (repository, subject) WHERE subject IS NOT NULL;

-- References are by digest within the repository: from a blob or child up to who needs it.
CREATE TABLE manifest_blobs (
    repository INTEGER NOT NULL,
    digest     TEXT NOT NULL,
    manifest   INTEGER NOT NULL REFERENCES manifests ON DELETE CASCADE,
    PRIMARY KEY (repository, digest, manifest)
) STRICT, WITHOUT ROWID;
CREATE INDEX manifest_blobs_by_manifest ON manifest_blobs (manifest);

CREATE TABLE manifest_children (
    repository INTEGER NOT NULL,
    digest     TEXT NOT NULL,
    manifest   INTEGER NOT NULL REFERENCES manifests ON DELETE CASCADE,
    PRIMARY KEY (repository, digest, manifest)
) STRICT, WITHOUT ROWID;
CREATE INDEX manifest_children_by_manifest ON manifest_children (manifest);

CREATE TABLE tags (
    repository INTEGER NOT NULL REFERENCES repositories,
    name       TEXT NOT NULL,
    manifest   INTEGER NOT NULL REFERENCES manifests ON DELETE CASCADE,
    PRIMARY KEY (repository, name)
) STRICT, WITHOUT ROWID;
CREATE INDEX tags_by_manifest ON tags (manifest);

-- Which login put which manifest: a push login reads back only its own.
CREATE TABLE manifest_puts (
    manifest INTEGER NOT NULL REFERENCES manifests ON DELETE CASCADE,
    login    INTEGER NOT NULL REFERENCES registry_logins ON DELETE CASCADE,
    PRIMARY KEY (manifest, login)
) STRICT, WITHOUT ROWID;
CREATE INDEX manifest_puts_by_login ON manifest_puts (login);

CREATE TABLE container_images (
    service            INTEGER NOT NULL REFERENCES services ON DELETE CASCADE,
    number             INTEGER NOT NULL,
    label              TEXT NOT NULL,
    manifest           INTEGER NOT NULL REFERENCES manifests,
    created_at         INTEGER NOT NULL,
    made_by_key        TEXT,
    made_by_invocation TEXT,
    PRIMARY KEY (service, number)
) STRICT, WITHOUT ROWID;
CREATE INDEX container_images_by_manifest ON container_images (manifest);

-- Content whose row is gone and whose bytes are still to be removed.
CREATE TABLE discarded (
    key TEXT PRIMARY KEY
) STRICT, WITHOUT ROWID;

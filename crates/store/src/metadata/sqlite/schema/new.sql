-- The tables of a new database. `user_version` is 7.
--
-- Every row belongs to a tenant: an account in a region. Content is looked up through its repository, a
-- registered image through its service. Times are milliseconds since 1970. `owner` says whose action a row
-- records: the id of an access key, `role/NAME/ID` of a role, or `server`. `reach` is JSON: the repositories
-- and networks that logins are limited to; null means no limit.

CREATE TABLE tenants (
    id      INTEGER PRIMARY KEY,
    account TEXT NOT NULL,
    region  TEXT NOT NULL,
    UNIQUE (account, region)
) STRICT;

-- The usage of an account, in all its regions. A transaction that adds or removes something writes it last.
CREATE TABLE accounts (
    id             TEXT PRIMARY KEY,
    content_bytes  INTEGER NOT NULL DEFAULT 0,  -- bytes of blobs, counted once per tenant
    manifest_bytes INTEGER NOT NULL DEFAULT 0,
    manifests      INTEGER NOT NULL DEFAULT 0,
    tags           INTEGER NOT NULL DEFAULT 0,
    repositories   INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;

CREATE TABLE access_keys (
    id            TEXT PRIMARY KEY,
    account       TEXT NOT NULL,
    sealed_secret BLOB NOT NULL,
    is_root       INTEGER NOT NULL,
    enabled       INTEGER NOT NULL,
    created_at    INTEGER NOT NULL,
    permission    TEXT,     -- JSON; null means everything in its account
    max_login     INTEGER,  -- seconds
    reach         TEXT,
    expires_at    INTEGER,
    description   TEXT NOT NULL DEFAULT '',
    made_by       TEXT,
    last_used_at  INTEGER   -- written once a minute at most
) STRICT, WITHOUT ROWID;

CREATE INDEX access_keys_by_account ON access_keys (account, created_at DESC, id);
CREATE INDEX access_keys_by_age ON access_keys (created_at DESC, id);
CREATE INDEX access_keys_by_maker ON access_keys (made_by) WHERE made_by IS NOT NULL;

-- An id is used once: the logins of a deleted key must not work again with a new key of the same id.
CREATE TABLE deleted_access_keys (
    id TEXT PRIMARY KEY
) STRICT, WITHOUT ROWID;

CREATE TABLE roles (
    -- AUTOINCREMENT: the sessions and logins of a deleted role must not work again with a later role.
    number          INTEGER PRIMARY KEY AUTOINCREMENT,
    id              TEXT NOT NULL UNIQUE,
    account         TEXT NOT NULL,
    name            TEXT NOT NULL,
    trust           TEXT NOT NULL,     -- JSON, as is the permission
    permission      TEXT NOT NULL,
    max_session     INTEGER NOT NULL,  -- seconds
    max_login       INTEGER,           -- seconds
    reach           TEXT,
    description     TEXT NOT NULL,
    enabled         INTEGER NOT NULL,
    generation      INTEGER NOT NULL,  -- sessions and logins of earlier generations have ended
    revision        INTEGER NOT NULL,  -- grows with each change
    remembered      TEXT NOT NULL,     -- JSON: claims that every later token must have
    created_at      INTEGER NOT NULL,
    made_by         TEXT,
    last_assumed_at INTEGER,
    UNIQUE (account, name)
) STRICT;
CREATE INDEX roles_by_maker ON roles (made_by) WHERE made_by IS NOT NULL;

-- An id is used once, like that of an access key.
CREATE TABLE deleted_roles (
    id TEXT PRIMARY KEY
) STRICT, WITHOUT ROWID;

-- Temporary keys. They stay for some time after their end, so that a caller who uses one learns that it has ended.
CREATE TABLE role_sessions (
    number        INTEGER PRIMARY KEY AUTOINCREMENT,
    key           TEXT NOT NULL UNIQUE,
    account       TEXT NOT NULL,
    role          INTEGER NOT NULL,  -- may be deleted before the session is forgotten
    owner         TEXT NOT NULL,     -- `role/NAME/ID`
    generation    INTEGER NOT NULL,  -- of the role
    name          TEXT NOT NULL,
    sealed_secret BLOB NOT NULL,
    token         BLOB NOT NULL,     -- its SHA-256
    policy        TEXT,
    claims        TEXT NOT NULL,     -- JSON
    created_at    INTEGER NOT NULL,
    expires_at    INTEGER NOT NULL
) STRICT;
CREATE INDEX role_sessions_by_role ON role_sessions (role);
CREATE INDEX role_sessions_by_account ON role_sessions (account);
CREATE INDEX role_sessions_by_end ON role_sessions (expires_at);
-- For counting live rows: the count reads no other rows.
CREATE INDEX role_sessions_live ON role_sessions (account, expires_at, role, generation);

-- Who did something. A source stays as long as a row refers to it, even after the session, the login and the key.
CREATE TABLE sources (
    id          INTEGER PRIMARY KEY,
    hash        BLOB NOT NULL UNIQUE,  -- over the other columns
    owner       TEXT NOT NULL,
    session     TEXT,                  -- the name of a role's session
    claims      TEXT,                  -- its claims, as JSON
    description TEXT                   -- of an access key, at that time
) STRICT;

CREATE TABLE services (
    -- AUTOINCREMENT: the pull logins of a deleted service must not read a later service.
    id                 INTEGER PRIMARY KEY AUTOINCREMENT,
    tenant             INTEGER NOT NULL REFERENCES tenants,
    name               TEXT NOT NULL,
    uuid               TEXT NOT NULL,
    power              TEXT NOT NULL,
    scale              INTEGER NOT NULL,
    is_disabled        INTEGER NOT NULL,
    puller_role_active INTEGER NOT NULL,
    tags               TEXT NOT NULL,  -- JSON: [[key, value or null], ...]
    created_at         INTEGER NOT NULL,
    last_image_number  INTEGER NOT NULL DEFAULT 0,
    made_by            TEXT,           -- owner and invocation: by these a retry finds it
    invocation         TEXT,
    last_version       INTEGER NOT NULL DEFAULT 0,  -- of its deployments; no version is used twice
    current_version    INTEGER,
    next_version       INTEGER,
    changes            INTEGER NOT NULL DEFAULT 0,  -- counts changes that its nodes have to follow
    is_updating        INTEGER NOT NULL DEFAULT 0,  -- whether they still follow the last one
    UNIQUE (tenant, name),
    FOREIGN KEY (id, current_version) REFERENCES deployments (service, version),
    FOREIGN KEY (id, next_version) REFERENCES deployments (service, version)
) STRICT;
-- For the sum of the resources of services, and for the deployer, which looks for its services.
CREATE INDEX services_run ON services (is_disabled, power, scale) WHERE last_version > 0 OR is_disabled = 1;

-- A domain name leads to one service of a tenant. Case does not matter.
CREATE TABLE service_domains (
    tenant      INTEGER NOT NULL REFERENCES tenants,
    name        TEXT NOT NULL,  -- in lower case
    service     INTEGER NOT NULL REFERENCES services,
    certificate TEXT NOT NULL,
    place       INTEGER NOT NULL,  -- the position among the names of the certificate
    spelling    TEXT NOT NULL,     -- as the user wrote it
    PRIMARY KEY (tenant, name)
) STRICT, WITHOUT ROWID;
CREATE INDEX service_domains_by_service ON service_domains (service);

CREATE TABLE registry_logins (
    id                INTEGER PRIMARY KEY AUTOINCREMENT,
    tenant            INTEGER NOT NULL REFERENCES tenants,
    owner             TEXT NOT NULL,
    can_push          INTEGER NOT NULL,
    can_pull          INTEGER NOT NULL,
    can_delete        INTEGER NOT NULL,
    service           INTEGER,  -- of a pull login; when it is deleted, the login is refused
    role              INTEGER,  -- if a session of a role asked for it; the role may be deleted
    generation        INTEGER,  -- of the role
    session           TEXT,     -- the temporary key; its row may go before the login or after it
    reach             TEXT,
    password_hash     BLOB NOT NULL UNIQUE,
    created_at        INTEGER NOT NULL,
    expires_at        INTEGER NOT NULL,
    revoked_at        INTEGER,
    last_used_at      INTEGER,  -- these three are written once a minute at most
    last_push_at      INTEGER,
    last_push_address TEXT
) STRICT;
CREATE INDEX registry_logins_by_tenant ON registry_logins (tenant);
CREATE INDEX registry_logins_revoked ON registry_logins (tenant) WHERE revoked_at IS NOT NULL;
-- For counting live rows: the count reads no other rows.
CREATE INDEX registry_logins_by_end ON registry_logins (tenant, expires_at, revoked_at, owner);

-- Logins to the web console. While a login is used, `over_at` moves forward, up to `ends_at`.
CREATE TABLE console_logins (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    hash       BLOB NOT NULL UNIQUE,  -- of the secret in the browser's cookie
    key        TEXT NOT NULL,         -- an access key or a temporary key, which may be deleted
    region     TEXT NOT NULL,
    address    TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    over_at    INTEGER NOT NULL,
    ends_at    INTEGER NOT NULL
) STRICT;
CREATE INDEX console_logins_by_key ON console_logins (key);
CREATE INDEX console_logins_by_end ON console_logins (over_at);

-- One-time links to the console.
CREATE TABLE console_links (
    hash       BLOB PRIMARY KEY,
    key        TEXT NOT NULL,
    region     TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    ends_at    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX console_links_by_key ON console_links (key, created_at);
CREATE INDEX console_links_by_end ON console_links (ends_at);

CREATE TABLE repositories (
    id     INTEGER PRIMARY KEY,
    tenant INTEGER NOT NULL REFERENCES tenants,
    name   TEXT NOT NULL,
    UNIQUE (tenant, name)
) STRICT;

-- Contents, stored once per tenant. If one is damaged, its bytes differ from the upload; the next push replaces them.
CREATE TABLE blobs (
    id      INTEGER PRIMARY KEY,
    tenant  INTEGER NOT NULL REFERENCES tenants,
    digest  TEXT NOT NULL,
    size    INTEGER NOT NULL,
    key     TEXT NOT NULL UNIQUE,
    damaged INTEGER NOT NULL DEFAULT 0,
    UNIQUE (tenant, digest)
) STRICT;
CREATE INDEX blobs_damaged ON blobs (id) WHERE damaged = 1;

-- Links of repositories to blobs. The module `holds` writes every column `held`.
CREATE TABLE blob_links (
    repository INTEGER NOT NULL REFERENCES repositories,
    blob       INTEGER NOT NULL REFERENCES blobs,
    leased_at  INTEGER NOT NULL,
    held       INTEGER NOT NULL,
    PRIMARY KEY (repository, blob)
) STRICT, WITHOUT ROWID;
CREATE INDEX blob_links_by_blob ON blob_links (blob);
-- Rows that nothing holds, oldest lease first: collection reads the garbage and not the whole store.
CREATE INDEX blob_links_to_collect ON blob_links (leased_at) WHERE held = 0;

-- The small blobs that a push login has uploaded to a repository. Only the newest ones of each login are kept, by
-- `number`. The login may read back the configurations among them.
CREATE TABLE blob_puts (
    login      INTEGER NOT NULL REFERENCES registry_logins,
    number     INTEGER NOT NULL,
    repository INTEGER NOT NULL,
    blob       INTEGER NOT NULL,
    PRIMARY KEY (login, number),
    FOREIGN KEY (repository, blob) REFERENCES blob_links
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX blob_puts_by_blob ON blob_puts (repository, blob, login);

CREATE TABLE uploads (
    id         TEXT PRIMARY KEY,
    key        TEXT NOT NULL,  -- of the staged content
    tenant     INTEGER NOT NULL REFERENCES tenants,
    repository TEXT NOT NULL,
    owner      TEXT NOT NULL,
    login      INTEGER,        -- the login that fed it last; its row may go before the session
    received   INTEGER NOT NULL,
    hash_state BLOB NOT NULL,
    checkpoint BLOB NOT NULL,  -- data of the blob store, which nobody else reads
    created_at INTEGER NOT NULL,
    touched_at INTEGER NOT NULL,
    epoch      INTEGER NOT NULL  -- of the claim of its last writer; 0 before the first
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX uploads_by_key ON uploads (key);
CREATE INDEX uploads_by_tenant ON uploads (tenant, login);
CREATE INDEX uploads_by_age ON uploads (created_at);

-- Further keys under which the blob store has bytes of an upload.
CREATE TABLE upload_keys (
    key    TEXT PRIMARY KEY,
    upload TEXT NOT NULL REFERENCES uploads
) STRICT, WITHOUT ROWID;
CREATE INDEX upload_keys_by_upload ON upload_keys (upload);

CREATE TABLE manifests (
    id            INTEGER PRIMARY KEY,
    repository    INTEGER NOT NULL REFERENCES repositories,
    digest        TEXT NOT NULL,
    media_type    TEXT NOT NULL,
    artifact_type TEXT,
    subject       TEXT,
    is_hung       INTEGER NOT NULL,  -- whether a push login put it first and it has a subject
    annotations   TEXT,              -- JSON object for lists of referrers; null without a subject
    depth         INTEGER NOT NULL,  -- 0 for an image, 1 + the deepest child for an index
    created_at    INTEGER NOT NULL,
    leased_at     INTEGER NOT NULL,
    held          INTEGER NOT NULL,
    size          INTEGER NOT NULL,
    body          BLOB NOT NULL,
    UNIQUE (repository, digest)
) STRICT;
-- For lists of a repository with the newest manifest first: SQLite adds the row number to every index.
CREATE INDEX manifests_by_repository ON manifests (repository);
CREATE INDEX manifests_by_digest ON manifests (digest);
CREATE INDEX manifests_by_subject ON manifests (repository, subject) WHERE subject IS NOT NULL;
CREATE INDEX manifests_hung ON manifests (repository, subject) WHERE is_hung = 1;
CREATE INDEX manifests_to_collect ON manifests (leased_at) WHERE held = 0;
-- An index can hold its own subject, which holds the index. Only collection can release such a pair.
CREATE INDEX manifests_that_may_hold_themselves ON manifests (leased_at)
WHERE held = 1 AND subject IS NOT NULL AND depth > 0;

-- The following rows are not deleted with their manifest. A rule that forgets to delete them fails.

CREATE TABLE manifest_blobs (
    repository INTEGER NOT NULL,
    digest     TEXT NOT NULL,
    is_config  INTEGER NOT NULL,  -- whether it is the manifest's configuration
    manifest   INTEGER NOT NULL REFERENCES manifests,
    PRIMARY KEY (repository, digest, is_config, manifest)
) STRICT, WITHOUT ROWID;
CREATE INDEX manifest_blobs_by_manifest ON manifest_blobs (manifest);

CREATE TABLE manifest_children (
    repository INTEGER NOT NULL,
    digest     TEXT NOT NULL,
    manifest   INTEGER NOT NULL REFERENCES manifests,
    PRIMARY KEY (repository, digest, manifest)
) STRICT, WITHOUT ROWID;
CREATE INDEX manifest_children_by_manifest ON manifest_children (manifest);

CREATE TABLE tags (
    repository INTEGER NOT NULL REFERENCES repositories,
    name       TEXT NOT NULL,
    manifest   INTEGER NOT NULL REFERENCES manifests,
    PRIMARY KEY (repository, name)
) STRICT, WITHOUT ROWID;
CREATE INDEX tags_by_manifest ON tags (manifest);

-- The logins that have set a tag to its present manifest.
CREATE TABLE tag_puts (
    repository INTEGER NOT NULL,
    tag        TEXT NOT NULL,
    login      INTEGER NOT NULL REFERENCES registry_logins,
    PRIMARY KEY (repository, tag, login),
    FOREIGN KEY (repository, tag) REFERENCES tags
) STRICT, WITHOUT ROWID;
CREATE INDEX tag_puts_by_login ON tag_puts (login);

-- Who put a manifest, and with which login. Some time after its end a login is forgotten; owner and source stay.
CREATE TABLE manifest_puts (
    id       INTEGER PRIMARY KEY,  -- in the order of the puts
    manifest INTEGER NOT NULL REFERENCES manifests,
    owner    TEXT NOT NULL,
    login    INTEGER REFERENCES registry_logins,
    source   INTEGER REFERENCES sources,
    UNIQUE (manifest, login, owner)
) STRICT;
CREATE INDEX manifest_puts_by_login ON manifest_puts (login) WHERE login IS NOT NULL;
CREATE INDEX manifest_puts_by_owner ON manifest_puts (manifest, owner);
CREATE INDEX manifest_puts_by_source ON manifest_puts (source) WHERE source IS NOT NULL;

CREATE TABLE container_images (
    service    INTEGER NOT NULL REFERENCES services,
    number     INTEGER NOT NULL,
    label      TEXT NOT NULL,
    manifest   INTEGER NOT NULL REFERENCES manifests,
    digest     TEXT NOT NULL,  -- of the manifest
    created_at INTEGER NOT NULL,
    made_by    TEXT,
    invocation TEXT,
    source     INTEGER REFERENCES sources,  -- who registered it
    PRIMARY KEY (service, number)
) STRICT, WITHOUT ROWID;
CREATE INDEX container_images_by_manifest ON container_images (manifest);
CREATE INDEX container_images_by_source ON container_images (source) WHERE source IS NOT NULL;
-- With this index a pull login finds an image of its service, and a retry finds the image of the first attempt.
CREATE UNIQUE INDEX container_images_by_digest ON container_images (service, digest, label, made_by, invocation);

-- The contents of registered images, without their own manifests: the manifests below, and the blobs of all manifests.
-- Pull logins may read these contents, and nobody may delete them.

CREATE TABLE image_manifests (
    manifest INTEGER NOT NULL REFERENCES manifests,
    service  INTEGER NOT NULL,
    number   INTEGER NOT NULL,
    digest   TEXT NOT NULL,  -- of the manifest
    PRIMARY KEY (manifest, service, number),
    FOREIGN KEY (service, number) REFERENCES container_images
) STRICT, WITHOUT ROWID;
CREATE INDEX image_manifests_by_digest ON image_manifests (service, digest);
CREATE INDEX image_manifests_by_image ON image_manifests (service, number);

CREATE TABLE image_blobs (
    blob    INTEGER NOT NULL REFERENCES blobs,
    service INTEGER NOT NULL,
    number  INTEGER NOT NULL,
    PRIMARY KEY (blob, service, number),
    FOREIGN KEY (service, number) REFERENCES container_images
) STRICT, WITHOUT ROWID;
CREATE INDEX image_blobs_by_image ON image_blobs (service, number);

CREATE TABLE deployments (
    service     INTEGER NOT NULL REFERENCES services,
    version     INTEGER NOT NULL,
    state       TEXT NOT NULL,
    sealed_spec BLOB NOT NULL,
    created_at  INTEGER NOT NULL,
    failure     TEXT,
    made_by     TEXT,
    invocation  TEXT,
    PRIMARY KEY (service, version)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX deployments_by_call ON deployments (service, made_by, invocation) WHERE invocation IS NOT NULL;

-- The images of a deployment's containers.
CREATE TABLE deployment_images (
    service   INTEGER NOT NULL,
    version   INTEGER NOT NULL,
    container TEXT NOT NULL,
    label     TEXT,     -- of the registration, which may be deleted before the deployment
    number    INTEGER,
    digest    TEXT,     -- of a public image, known after its pull
    PRIMARY KEY (service, version, container),
    FOREIGN KEY (service, version) REFERENCES deployments
) STRICT, WITHOUT ROWID;

-- The manifests that current and next deployments hold.
CREATE TABLE deployment_manifests (
    manifest INTEGER NOT NULL REFERENCES manifests,
    service  INTEGER NOT NULL,
    version  INTEGER NOT NULL,
    PRIMARY KEY (manifest, service, version),
    FOREIGN KEY (service, version) REFERENCES deployments
) STRICT, WITHOUT ROWID;
CREATE INDEX deployment_manifests_by_deployment ON deployment_manifests (service, version);

-- The progress of a service's next deployment.
CREATE TABLE rollouts (
    service  INTEGER PRIMARY KEY,
    version  INTEGER NOT NULL,
    step     TEXT NOT NULL,
    failures INTEGER NOT NULL,
    message  TEXT,
    deadline INTEGER NOT NULL,  -- by the steady time
    FOREIGN KEY (service, version) REFERENCES deployments
) STRICT;

-- Keys of content without a row. Its bytes are deleted later.
CREATE TABLE discarded (
    key          TEXT PRIMARY KEY,
    discarded_at INTEGER NOT NULL,  -- by the steady time; of an upload, when it got its last byte
    checkpoint   BLOB               -- of an upload; NULL for published content
) STRICT, WITHOUT ROWID;
CREATE INDEX discarded_by_time ON discarded (discarded_at);

CREATE TABLE audit (
    id         INTEGER PRIMARY KEY,
    noted_at   INTEGER NOT NULL,  -- by the steady time, which decides about its age
    at         INTEGER NOT NULL,  -- by the wall clock, for people
    account    TEXT NOT NULL,     -- empty if the account is unknown
    region     TEXT,
    kind       TEXT NOT NULL,
    share      TEXT NOT NULL,     -- its events displace only one another
    owner      TEXT,
    login      INTEGER,           -- its row may go before the event
    repository TEXT,
    digest     TEXT,
    subject    TEXT,
    action     TEXT,
    reason     TEXT,
    address    TEXT,
    user_agent TEXT,
    request    TEXT,              -- of the single request that made the change
    count      INTEGER NOT NULL,
    source     INTEGER REFERENCES sources,  -- of a change by a role's session
    by_console INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX audit_by_share ON audit (account, share);
CREATE UNIQUE INDEX audit_by_request ON audit (request) WHERE request IS NOT NULL;
CREATE INDEX audit_by_source ON audit (source) WHERE source IS NOT NULL;

-- The progress of the server's own jobs, from which the next run continues.
CREATE TABLE progress (
    name  TEXT PRIMARY KEY,
    value INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Measurements of services in each five minutes, in percent of their power.
CREATE TABLE metric_points (
    service           INTEGER NOT NULL REFERENCES services,
    at                INTEGER NOT NULL,  -- by the wall clock: when the five minutes begin
    samples           INTEGER NOT NULL,
    processor_minimum REAL NOT NULL,
    processor_maximum REAL NOT NULL,
    processor_sum     REAL NOT NULL,
    memory_minimum    REAL NOT NULL,
    memory_maximum    REAL NOT NULL,
    memory_sum        REAL NOT NULL,
    PRIMARY KEY (service, at)
) STRICT, WITHOUT ROWID;
CREATE INDEX metric_points_by_age ON metric_points (at);

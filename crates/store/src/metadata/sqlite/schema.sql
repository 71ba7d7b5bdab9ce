-- What all of migrations/ come to, in the words in which SQLite keeps it; why it is so is said there. A new
-- database begins with this, since each ALTER TABLE has SQLite read the whole schema again. A test compares
-- the two, word by word.

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

CREATE TABLE blobs (
    id     INTEGER PRIMARY KEY,
    tenant INTEGER NOT NULL REFERENCES tenants,
    digest TEXT NOT NULL,
    size   INTEGER NOT NULL,
    key    TEXT NOT NULL UNIQUE, damaged INTEGER NOT NULL DEFAULT 0,
    UNIQUE (tenant, digest)
) STRICT;

CREATE TABLE blob_links (
    repository INTEGER NOT NULL REFERENCES repositories,
    blob       INTEGER NOT NULL REFERENCES blobs,
    leased_at  INTEGER NOT NULL, held INTEGER NOT NULL DEFAULT 0,
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
    body          BLOB NOT NULL, held INTEGER NOT NULL DEFAULT 0, leased_at INTEGER NOT NULL DEFAULT 0,
    UNIQUE (repository, digest)
) STRICT;

CREATE INDEX manifests_by_digest ON manifests (digest);

CREATE INDEX manifests_by_subject ON manifests (repository, subject) WHERE subject IS NOT NULL;

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

CREATE TABLE discarded (
    key TEXT PRIMARY KEY
) STRICT, WITHOUT ROWID;

CREATE TABLE audit (
    id         INTEGER PRIMARY KEY,
    noted_at   INTEGER NOT NULL,  -- by the steady time, which says how old it is
    at         INTEGER NOT NULL,  -- by the wall clock, which people read
    account    TEXT NOT NULL,     -- empty where nobody knows whose it is
    region     TEXT,
    kind       TEXT NOT NULL,
    access_key TEXT,
    login      INTEGER,           -- may be forgotten before the event is
    repository TEXT,
    digest     TEXT,
    subject    TEXT,
    reason     TEXT,
    address    TEXT,
    user_agent TEXT,
    count      INTEGER NOT NULL
) STRICT;

CREATE INDEX audit_by_account ON audit (account);

CREATE INDEX audit_refusals ON audit (account) WHERE kind IN ('LoginRefused', 'CallRefused');

CREATE INDEX blobs_damaged ON blobs (id) WHERE damaged = 1;

CREATE VIEW manifest_holds AS
SELECT m.id AS manifest,
       EXISTS (SELECT 1 FROM container_images i WHERE i.manifest = m.id)
       OR EXISTS (SELECT 1 FROM manifest_children c
                  WHERE c.repository = m.repository AND c.digest = m.digest)
       OR EXISTS (SELECT 1 FROM manifests s
                  WHERE s.repository = m.repository AND s.digest = m.subject) AS is_held
FROM manifests m;

CREATE VIEW blob_link_holds AS
SELECT l.repository, l.blob,
       EXISTS (SELECT 1 FROM blobs b
               CROSS JOIN manifest_blobs n ON n.repository = l.repository AND n.digest = b.digest
               WHERE b.id = l.blob) AS is_held
FROM blob_links l;

CREATE TRIGGER registration_made AFTER INSERT ON container_images BEGIN
    UPDATE manifests SET held = 1 WHERE id = NEW.manifest AND held = 0;
END;

CREATE TRIGGER registration_ended AFTER DELETE ON container_images BEGIN
    UPDATE manifests SET held = (SELECT is_held FROM manifest_holds WHERE manifest = id)
    WHERE id = OLD.manifest;
END;

CREATE TRIGGER manifest_made AFTER INSERT ON manifests BEGIN
    UPDATE manifests SET held = (SELECT is_held FROM manifest_holds WHERE manifest = NEW.id)
    WHERE id = NEW.id AND held <> (SELECT is_held FROM manifest_holds WHERE manifest = NEW.id);
    UPDATE manifests SET held = 1
    WHERE repository = NEW.repository AND subject = NEW.digest AND held = 0;
END;

CREATE TRIGGER manifest_ended AFTER DELETE ON manifests BEGIN
    UPDATE manifests SET held = (SELECT is_held FROM manifest_holds WHERE manifest = id)
    WHERE repository = OLD.repository AND subject = OLD.digest;
END;

CREATE TRIGGER child_referenced AFTER INSERT ON manifest_children BEGIN
    UPDATE manifests SET held = 1
    WHERE repository = NEW.repository AND digest = NEW.digest AND held = 0;
END;

CREATE TRIGGER child_let_go AFTER DELETE ON manifest_children BEGIN
    UPDATE manifests SET held = (SELECT is_held FROM manifest_holds WHERE manifest = id)
    WHERE repository = OLD.repository AND digest = OLD.digest;
END;

CREATE TRIGGER blob_linked AFTER INSERT ON blob_links BEGIN
    UPDATE blob_links SET held = 1
    WHERE repository = NEW.repository AND blob = NEW.blob AND held = 0
      AND EXISTS (SELECT 1 FROM blobs b
                  CROSS JOIN manifest_blobs n ON n.repository = NEW.repository AND n.digest = b.digest
                  WHERE b.id = NEW.blob);
END;

CREATE TRIGGER blob_referenced AFTER INSERT ON manifest_blobs BEGIN
    UPDATE blob_links SET held = 1
    WHERE repository = NEW.repository AND held = 0
      AND blob = (SELECT b.id FROM repositories r CROSS JOIN blobs b ON b.tenant = r.tenant
                  WHERE r.id = NEW.repository AND b.digest = NEW.digest);
END;

CREATE TRIGGER blob_let_go AFTER DELETE ON manifest_blobs BEGIN
    UPDATE blob_links
    SET held = EXISTS (SELECT 1 FROM manifest_blobs n
                       WHERE n.repository = OLD.repository AND n.digest = OLD.digest)
    WHERE repository = OLD.repository
      AND blob = (SELECT b.id FROM repositories r CROSS JOIN blobs b ON b.tenant = r.tenant
                  WHERE r.id = OLD.repository AND b.digest = OLD.digest);
END;

CREATE INDEX blob_links_to_collect ON blob_links (leased_at) WHERE held = 0;

CREATE INDEX manifests_to_collect ON manifests (leased_at) WHERE held = 0;

CREATE INDEX manifests_in_knots ON manifests (leased_at)
WHERE held = 1 AND subject IS NOT NULL AND depth > 0;

CREATE TABLE progress (
    name  TEXT PRIMARY KEY,
    value INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Copies a database of schema 3, attached as `old`, into a new one. The contents of images and the usage of
-- accounts are computed afterwards. Schema 3 did not record which login set a tag or uploaded a blob, so these
-- tables stay empty.

INSERT INTO tenants (id, account, region) SELECT id, account, region FROM old.tenants;

INSERT INTO access_keys (id, account, sealed_secret, is_root, enabled, created_at)
SELECT id, account, sealed_secret, is_root, enabled, created_at FROM old.access_keys;

INSERT INTO deleted_access_keys (id) SELECT id FROM old.deleted_access_keys;

INSERT INTO services (id, tenant, name, uuid, power, scale, is_disabled, puller_role_active, tags, created_at,
                      last_image_number, made_by, invocation)
SELECT id, tenant, name, uuid, power, scale, is_disabled, puller_role_active, tags, created_at,
       last_image_number, made_by_key, made_by_invocation
FROM old.services;

-- Early programs accepted a name twice in different case. The first one counts.
INSERT INTO service_domains (tenant, name, service, certificate, place, spelling)
SELECT s.tenant, lower(domain.value), s.id, certificate.key, domain.key, domain.value
FROM old.services s
CROSS JOIN json_each(s.public_domain_names) certificate
CROSS JOIN json_each(certificate.value) domain
WHERE true ORDER BY s.id, certificate.key, domain.key
ON CONFLICT (tenant, name) DO NOTHING;

INSERT INTO registry_logins (id, tenant, owner, can_push, can_pull, can_delete, service, password_hash,
                             created_at, expires_at, revoked_at)
SELECT id, tenant, access_key, can_push, can_pull, can_delete, service, password_hash,
       created_at, expires_at, revoked_at
FROM old.registry_logins;

-- Only the audit trail recorded the last push of a login.
UPDATE registry_logins SET last_push_at = a.at, last_push_address = a.address
FROM (SELECT max(id) AS id, login FROM old.audit
      WHERE kind = 'ManifestPushed' AND address IS NOT NULL GROUP BY login) AS last
CROSS JOIN old.audit a
WHERE a.id = last.id AND registry_logins.id = last.login;

-- Numbers that were used once are not used again.
DELETE FROM sqlite_sequence WHERE name IN ('services', 'registry_logins');
INSERT INTO sqlite_sequence (name, seq)
SELECT name, seq FROM old.sqlite_sequence WHERE name IN ('services', 'registry_logins');

INSERT INTO repositories (id, tenant, name) SELECT id, tenant, name FROM old.repositories;

INSERT INTO blobs (id, tenant, digest, size, key, damaged)
SELECT id, tenant, digest, size, key, damaged FROM old.blobs;

INSERT INTO blob_links (repository, blob, leased_at, held)
SELECT repository, blob, leased_at, held FROM old.blob_links;

INSERT INTO uploads
    (id, key, tenant, repository, owner, received, hash_state, checkpoint, created_at, touched_at, epoch)
SELECT id, id, tenant, repository, access_key, received, hash_state, x'', created_at, touched_at, 0 FROM old.uploads;

INSERT INTO manifests (id, repository, digest, media_type, artifact_type, subject, is_hung, annotations, depth,
                       created_at, leased_at, held, size, body)
SELECT id, repository, digest, media_type, artifact_type, subject,
       subject IS NOT NULL AND EXISTS (
           SELECT 1 FROM old.manifest_puts p CROSS JOIN old.registry_logins l
           WHERE p.manifest = manifests.id AND l.id = p.login AND l.can_push = 1 AND l.can_pull = 0),
       CASE WHEN subject IS NOT NULL THEN annotations END, depth, created_at, leased_at, held, size, body
FROM old.manifests;

INSERT INTO manifest_blobs (repository, digest, manifest, is_config)
SELECT b.repository, b.digest, b.manifest,
       coalesce(json_extract(CAST(m.body AS TEXT), '$.config.digest') = b.digest, 0)
FROM old.manifest_blobs b CROSS JOIN old.manifests m WHERE m.id = b.manifest;

INSERT INTO manifest_children (repository, digest, manifest)
SELECT repository, digest, manifest FROM old.manifest_children;

INSERT INTO tags (repository, name, manifest) SELECT repository, name, manifest FROM old.tags;

INSERT INTO manifest_puts (manifest, owner, login)
SELECT p.manifest, l.access_key, p.login
FROM old.manifest_puts p CROSS JOIN old.registry_logins l WHERE l.id = p.login;

INSERT INTO container_images (service, number, label, manifest, digest, created_at, made_by, invocation)
SELECT i.service, i.number, i.label, i.manifest, m.digest, i.created_at, i.made_by_key, i.made_by_invocation
FROM old.container_images i CROSS JOIN old.manifests m WHERE m.id = i.manifest;

INSERT INTO discarded (key, discarded_at) SELECT key, 0 FROM old.discarded;

INSERT INTO audit (id, noted_at, at, account, region, kind, share, owner, login, repository, digest, subject,
                   reason, address, user_agent, count)
SELECT id, noted_at, at, account, region, kind,
       CASE kind WHEN 'ManifestPushed' THEN 'pushes' WHEN 'LoginRefused' THEN 'refusals'
                 WHEN 'CallRefused' THEN 'refusals' WHEN 'LoginIssued' THEN 'logins' ELSE 'rest' END,
       access_key, login, repository, digest, subject, reason, address, user_agent, count
FROM old.audit;

INSERT INTO progress (name, value) SELECT name, value FROM old.progress;

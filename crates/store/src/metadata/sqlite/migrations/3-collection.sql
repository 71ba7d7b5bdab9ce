-- What may be collected: whatever nothing holds and whose lease is over. `held` is kept by the
-- triggers below, in the transaction that changes what holds; the lease is renewed by whoever tells a
-- client that something is there. Leases are by the steady time.

ALTER TABLE blob_links ADD COLUMN held INTEGER NOT NULL DEFAULT 0;
ALTER TABLE manifests ADD COLUMN held INTEGER NOT NULL DEFAULT 0;
ALTER TABLE manifests ADD COLUMN leased_at INTEGER NOT NULL DEFAULT 0;

-- Bytes that were found to be others than were put. They stay, and the next push replaces them.
ALTER TABLE blobs ADD COLUMN damaged INTEGER NOT NULL DEFAULT 0;
CREATE INDEX blobs_damaged ON blobs (id) WHERE damaged = 1;

-- The rule. A registration holds its manifest, an index its children, a subject its referrers, a
-- manifest its blobs; a tag holds nothing.
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

-- What there was before: held as the rule says. A manifest's grace period begins now, that is, at the
-- last steady time that anything was leased at.
UPDATE blob_links SET held = 1
WHERE (SELECT h.is_held FROM blob_link_holds h
       WHERE h.repository = blob_links.repository AND h.blob = blob_links.blob);
UPDATE manifests
SET held = (SELECT is_held FROM manifest_holds WHERE manifest = id),
    leased_at = coalesce((SELECT max(leased_at) FROM blob_links), created_at);

-- Only what is not held, the oldest lease first: a cycle reads the garbage, not the store.
CREATE INDEX blob_links_to_collect ON blob_links (leased_at) WHERE held = 0;
CREATE INDEX manifests_to_collect ON manifests (leased_at) WHERE held = 0;
-- An index may hold its own subject, which holds it: nothing else would ever let go of the two.
CREATE INDEX manifests_in_knots ON manifests (leased_at)
WHERE held = 1 AND subject IS NOT NULL AND depth > 0;

-- How far the server's own work has come, from one run to the next.
CREATE TABLE progress (
    name  TEXT PRIMARY KEY,
    value INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO progress (name, value)
SELECT 'steady-time', max(leased_at) FROM blob_links HAVING max(leased_at) IS NOT NULL;

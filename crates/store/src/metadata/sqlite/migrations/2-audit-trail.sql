-- Who did what, from where. The newest row of all has the greatest id.

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
-- Refusals have a share of their own: anybody can cause them.
CREATE INDEX audit_refusals ON audit (account) WHERE kind IN ('LoginRefused', 'CallRefused');

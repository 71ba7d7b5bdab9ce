-- What processes share that use one database.

-- One row: which database this is.
CREATE TABLE cluster (
    one         BIGINT PRIMARY KEY CHECK (one = 1),
    id          TEXT NOT NULL,    -- stays with a copy of the database
    incarnation TEXT NOT NULL,    -- new when a copy takes its place
    schema      BIGINT NOT NULL,  -- of the tables
    oldest      BIGINT NOT NULL,  -- the oldest schema that programs may know which use them
    generation  BIGINT NOT NULL,  -- of rights: grows whenever one is taken away
    steady_time BIGINT NOT NULL   -- which one process at a time moves on
);

CREATE SEQUENCE epochs;

-- Who may do something that one process does at a time, and until when, by the database's clock.
CREATE TABLE claims (
    name   TEXT COLLATE "C" PRIMARY KEY,
    holder TEXT NOT NULL,
    epoch  BIGINT NOT NULL,       -- of the sequence
    until  TIMESTAMPTZ NOT NULL
);

-- The state that the processes of one database share.

-- A single row. The marks of the table `progress` identify the database.
CREATE TABLE cluster (
    one         BIGINT PRIMARY KEY CHECK (one = 1),
    schema      BIGINT NOT NULL,  -- of the tables
    oldest      BIGINT NOT NULL,  -- the oldest schema of programs that may use the tables
    generation  BIGINT NOT NULL,  -- grows whenever a right is taken away
    running     BIGINT NOT NULL,  -- grows whenever services, their deployments or places change
    steady_time BIGINT NOT NULL,  -- one process at a time advances it
    key_check   BYTEA             -- only the master key of the cluster opens it; null until the first server
);

CREATE SEQUENCE epochs;

-- Claims on work that one process does at a time. They end by the database's clock.
CREATE TABLE claims (
    name   TEXT COLLATE "C" PRIMARY KEY,
    holder TEXT NOT NULL,
    epoch  BIGINT NOT NULL,       -- from the sequence
    until  TIMESTAMPTZ NOT NULL
);

-- Where services are served. A place outlives its claim.
CREATE TABLE places (
    service BIGINT PRIMARY KEY,   -- a row of services, or one that is gone
    epoch   BIGINT NOT NULL,      -- of the claim of its writer
    replica TEXT NOT NULL,        -- the holder of that claim
    address TEXT NOT NULL,        -- host:port for other processes
    engine  TEXT NOT NULL         -- the identity of the engine that has the nodes
);

-- The processes with an engine. They end by the database's clock.
CREATE TABLE replicas (
    id      TEXT COLLATE "C" PRIMARY KEY,  -- the holder of its claims
    address TEXT NOT NULL,
    engine  TEXT NOT NULL,
    cpus    DOUBLE PRECISION NOT NULL,     -- that services may be promised
    memory  BIGINT NOT NULL,
    images  TEXT,                          -- that it keeps, a line each; null while it does not know them all
    until   TIMESTAMPTZ NOT NULL
);

-- A single row while the store moves, and after it has moved. `migration::Move` says what the states mean.
CREATE TABLE migration (
    one    BIGINT PRIMARY KEY CHECK (one = 1),
    state  TEXT NOT NULL,
    number BIGINT NOT NULL,  -- shared by rows and bytes, here and at the other place
    place  TEXT NOT NULL     -- the other place, for people
);

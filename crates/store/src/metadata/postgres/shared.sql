-- The state that the processes of one database share.

-- A single row. The marks of the table `progress` identify the database.
CREATE TABLE cluster (
    one         BIGINT PRIMARY KEY CHECK (one = 1),
    schema      BIGINT NOT NULL,  -- of the tables
    oldest      BIGINT NOT NULL,  -- the oldest schema of programs that may use the tables
    generation  BIGINT NOT NULL,  -- grows whenever a right is taken away
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

-- A single row while the store moves, and after it has moved. `migration::Move` says what the states mean.
CREATE TABLE migration (
    one    BIGINT PRIMARY KEY CHECK (one = 1),
    state  TEXT NOT NULL,
    number BIGINT NOT NULL,  -- shared by rows and bytes, here and at the other place
    place  TEXT NOT NULL     -- the other place, for people
);

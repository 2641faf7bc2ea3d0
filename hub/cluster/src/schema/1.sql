-- Format 1. Released formats are never edited: a change is a further file.
-- The tables are those of the store on one machine, where their columns are explained; what is said here is what differs. Text that a
-- sender wrote may hold a NUL, which PostgreSQL cannot: it is written as `text.rs` says.

-- Where the numbering of each table has come to, and the time of the last event. Changed under the writers' lock only.
CREATE TABLE ends (
    one boolean PRIMARY KEY DEFAULT TRUE CHECK (one),
    message bigint NOT NULL DEFAULT 0,
    event bigint NOT NULL DEFAULT 0,
    delivery bigint NOT NULL DEFAULT 0,
    consent_change bigint NOT NULL DEFAULT 0,
    accepted bigint NOT NULL DEFAULT 0
);
INSERT INTO ends DEFAULT VALUES;

-- Who may work on what falls into a partition. The owner's word counts until `valid_until`, by the clock of the database.
CREATE TABLE lease (
    partition integer PRIMARY KEY,
    owner bytea,
    epoch bigint NOT NULL DEFAULT 0,
    valid_until timestamptz NOT NULL DEFAULT '-infinity'
);

CREATE TABLE node (
    id bytea PRIMARY KEY,
    name text NOT NULL,
    seen timestamptz NOT NULL
);

CREATE TABLE message (
    seq bigint PRIMARY KEY,
    -- The broker may hand a message over twice: the second time it is there already.
    id bytea NOT NULL UNIQUE,
    channel text NOT NULL,
    received bigint NOT NULL,
    envelope text NOT NULL,
    body bytea NOT NULL
);
CREATE INDEX message_received ON message (received);

CREATE TABLE pending (
    channel text NOT NULL,
    message bigint NOT NULL,
    events bigint,
    PRIMARY KEY (channel, message)
);
CREATE INDEX pending_message ON pending (message);

CREATE TABLE settled_message (
    message bigint PRIMARY KEY,
    received bigint NOT NULL,
    at bigint NOT NULL,
    events bigint NOT NULL,
    problem text
);
CREATE INDEX settled_message_received ON settled_message (received);
CREATE INDEX settled_message_quarantined ON settled_message (message) WHERE problem IS NOT NULL;

CREATE TABLE event (
    seq bigint PRIMARY KEY,
    id bytea NOT NULL,
    message bigint NOT NULL,
    place bigint NOT NULL,
    channel text NOT NULL,
    kind text NOT NULL,
    source text NOT NULL,
    subject text,
    time text NOT NULL,
    dataschema text NOT NULL,
    ordering_key text,
    attributes text,
    customer bytea,
    accepted bigint NOT NULL,
    routes bigint NOT NULL,
    filtered bigint NOT NULL,
    reasons text,
    verdict text NOT NULL CHECK (verdict IN ('routed', 'duplicate', 'quarantined')),
    violations text,
    duplicate_of bigint,
    digest bytea NOT NULL,
    data bytea
);
CREATE INDEX event_id ON event (id, verdict);
CREATE INDEX event_message ON event (message);
CREATE INDEX event_ledger ON event (accepted, seq);
CREATE INDEX event_customer ON event (customer, seq) WHERE customer IS NOT NULL;
CREATE INDEX event_quarantined ON event (seq) WHERE verdict = 'quarantined';

CREATE TABLE delivery (
    seq bigint PRIMARY KEY,
    event bigint NOT NULL,
    route text NOT NULL,
    destination text NOT NULL,
    -- Of its lane, or of its destination if it has none.
    partition integer NOT NULL,
    ordering_key text,
    lane bigint,
    class smallint NOT NULL,
    purpose text,
    fate text,
    due_at bigint NOT NULL,
    attempts bigint NOT NULL DEFAULT 0,
    replays bigint NOT NULL DEFAULT 0,
    -- When it was last put on its way again, and how many attempts had been made of it by then.
    resumed_at bigint,
    attempts_before bigint NOT NULL DEFAULT 0,
    reason text,
    last text,
    settled_at bigint
) WITH (fillfactor = 85);
CREATE INDEX delivery_event ON delivery (event);
CREATE INDEX delivery_in_flight ON delivery (destination, class, due_at, seq) WHERE fate IS NULL;
CREATE INDEX delivery_lane ON delivery (destination, lane, due_at, seq) WHERE fate IS NULL AND lane IS NOT NULL;
CREATE INDEX delivery_failed ON delivery (seq) WHERE fate IN ('quarantined', 'dead');

CREATE TABLE attempt (
    delivery bigint NOT NULL,
    n bigint NOT NULL,
    record text NOT NULL,
    PRIMARY KEY (delivery, n)
);

CREATE TABLE identifier (
    key bytea PRIMARY KEY,
    namespace text NOT NULL,
    customer bytea NOT NULL,
    event bigint NOT NULL,
    at bigint NOT NULL
);
CREATE INDEX identifier_customer ON identifier (customer);

CREATE TABLE consent (
    customer bytea NOT NULL,
    purpose text NOT NULL,
    state text NOT NULL,
    at bigint NOT NULL,
    change bigint NOT NULL
);
-- By the digest: an index does not take a text of any length.
CREATE UNIQUE INDEX consent_customer ON consent (customer, md5(purpose));

CREATE TABLE consent_change (
    seq bigint PRIMARY KEY,
    customer bytea NOT NULL,
    purpose text NOT NULL,
    state text NOT NULL,
    at bigint NOT NULL,
    event bigint NOT NULL,
    accepted bigint NOT NULL
);
CREATE INDEX consent_change_customer ON consent_change (customer);

CREATE TABLE cursor (
    channel text NOT NULL,
    name text NOT NULL,
    value bytea NOT NULL,
    at bigint NOT NULL
);
CREATE UNIQUE INDEX cursor_name ON cursor (channel, md5(name));

-- The ledger's numbers, in the order of `ledger.rs`. A node adds to one of the rows: their sum counts.
CREATE TABLE tally (
    slot smallint PRIMARY KEY,
    numbers bigint[] NOT NULL
);

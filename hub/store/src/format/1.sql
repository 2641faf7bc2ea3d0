-- Format 1. Released formats are never edited: a change is a further file.
-- Times are milliseconds since 1970-01-01T00:00:00Z; ids are the 16 bytes of a UUID; rows are only ever added at the end,
-- and small tables and partial indexes hold what changes, so that a body is written once and never moved.

CREATE TABLE message (
    seq INTEGER PRIMARY KEY,
    id BLOB NOT NULL,
    channel TEXT NOT NULL,
    received INTEGER NOT NULL,
    envelope TEXT NOT NULL,
    body BLOB NOT NULL
) STRICT;
CREATE INDEX message_received ON message (received);

-- Messages that are to be decoded. `events` is NULL at the first time; later, how many events the message has already.
CREATE TABLE pending (
    channel TEXT NOT NULL,
    message INTEGER NOT NULL,
    events INTEGER,
    PRIMARY KEY (channel, message)
) STRICT, WITHOUT ROWID;

-- Messages that were decoded, or could not be: then `problem` says why, and the message is in quarantine whole.
CREATE TABLE settled_message (
    message INTEGER PRIMARY KEY,
    received INTEGER NOT NULL,
    at INTEGER NOT NULL,
    events INTEGER NOT NULL,
    problem TEXT
) STRICT;
CREATE INDEX settled_message_quarantined ON settled_message (message) WHERE problem IS NOT NULL;

CREATE TABLE event (
    seq INTEGER PRIMARY KEY,
    id BLOB NOT NULL,
    message INTEGER NOT NULL,
    place INTEGER NOT NULL,
    channel TEXT NOT NULL,
    kind TEXT NOT NULL,
    source TEXT NOT NULL,
    subject TEXT,
    time TEXT NOT NULL,
    dataschema TEXT NOT NULL,
    ordering_key TEXT,
    attributes TEXT,
    customer BLOB,
    -- Never falls from one row to the next.
    accepted INTEGER NOT NULL,
    -- How many routes it was considered for, and how many of those did not want it (why: `reasons`).
    routes INTEGER NOT NULL,
    filtered INTEGER NOT NULL,
    reasons TEXT,
    -- Its deliveries lie one after the other: an index of theirs would cost as much as they do.
    first_delivery INTEGER NOT NULL,
    deliveries INTEGER NOT NULL,
    verdict TEXT NOT NULL CHECK (verdict IN ('routed', 'duplicate', 'quarantined')),
    violations TEXT,
    duplicate_of INTEGER,
    digest BLOB NOT NULL,
    -- NULL for a duplicate: the body is at the event that it repeats.
    data BLOB
) STRICT;
CREATE INDEX event_id ON event (id, verdict);
CREATE INDEX event_message ON event (message);
CREATE INDEX event_ledger ON event (accepted, verdict, routes, filtered);
CREATE INDEX event_customer ON event (customer) WHERE customer IS NOT NULL;
CREATE INDEX event_quarantined ON event (seq) WHERE verdict = 'quarantined';

CREATE TABLE delivery (
    seq INTEGER PRIMARY KEY,
    event INTEGER NOT NULL,
    route TEXT NOT NULL,
    destination TEXT NOT NULL,
    ordering_key TEXT,
    purpose TEXT,
    -- NULL while in flight.
    fate TEXT,
    -- 0 until it was tried; then when it is due again.
    due_at INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    reason TEXT,
    last TEXT,
    settled_at INTEGER
) STRICT;
CREATE INDEX delivery_in_flight ON delivery (destination, due_at) WHERE fate IS NULL;
CREATE INDEX delivery_failed ON delivery (seq) WHERE fate IN ('quarantined', 'dead');

-- Attempts before the last, which is with its delivery.
CREATE TABLE attempt (
    delivery INTEGER NOT NULL,
    n INTEGER NOT NULL,
    record TEXT NOT NULL,
    PRIMARY KEY (delivery, n)
) STRICT, WITHOUT ROWID;

-- Who an identifier belongs to. `key` is a digest: the identifier itself is in the event that is the evidence.
CREATE TABLE identifier (
    key BLOB PRIMARY KEY,
    namespace TEXT NOT NULL,
    customer BLOB NOT NULL,
    event INTEGER NOT NULL,
    at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX identifier_customer ON identifier (customer);

-- What stands, and `change` is the row of the history that says it.
CREATE TABLE consent (
    customer BLOB NOT NULL,
    purpose TEXT NOT NULL,
    state TEXT NOT NULL,
    at INTEGER NOT NULL,
    change INTEGER NOT NULL,
    PRIMARY KEY (customer, purpose)
) STRICT, WITHOUT ROWID;

-- All that was ever said. Only added to.
CREATE TABLE consent_change (
    seq INTEGER PRIMARY KEY,
    customer BLOB NOT NULL,
    purpose TEXT NOT NULL,
    state TEXT NOT NULL,
    at INTEGER NOT NULL,
    event INTEGER NOT NULL,
    accepted INTEGER NOT NULL
) STRICT;
CREATE INDEX consent_change_customer ON consent_change (customer);

CREATE TABLE cursor (
    channel TEXT NOT NULL,
    name TEXT NOT NULL,
    value BLOB NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (channel, name)
) STRICT, WITHOUT ROWID;

-- The ledger's numbers, kept in the transactions that change them: what the metrics show. `balance` counts the rows instead.
CREATE TABLE tally (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    numbers TEXT NOT NULL
) STRICT;

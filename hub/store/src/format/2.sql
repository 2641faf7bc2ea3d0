-- Format 2: order by lanes, classes, replays, and what the hub remembers of destinations.

-- The deliveries of one destination with one lane keep their order. Exactly one of those in flight may be sent; the others wait
-- for it with the largest `due_at` there is. NULL keeps no order.
ALTER TABLE delivery ADD COLUMN lane INTEGER;
-- Who goes first: 0 privacy, 1 service, 2 marketing, 3 replay.
ALTER TABLE delivery ADD COLUMN class INTEGER NOT NULL DEFAULT 1;
-- How often it was sent once more after it had its fate.
ALTER TABLE delivery ADD COLUMN replays INTEGER NOT NULL DEFAULT 0;
-- 1 if a replay brought it to a route that had not taken the event: then it does not lie with the event's other deliveries.
ALTER TABLE delivery ADD COLUMN added INTEGER NOT NULL DEFAULT 0;
-- When it was last put on its way again, and how many attempts it had by then: the schedule begins anew. NULL if it never was.
ALTER TABLE delivery ADD COLUMN resumed_at INTEGER;
ALTER TABLE delivery ADD COLUMN attempts_before INTEGER NOT NULL DEFAULT 0;

DROP INDEX delivery_in_flight;
CREATE INDEX delivery_in_flight ON delivery (destination, class, due_at) WHERE fate IS NULL;
CREATE INDEX delivery_lane ON delivery (destination, lane, due_at) WHERE fate IS NULL AND lane IS NOT NULL;
CREATE INDEX delivery_added ON delivery (event) WHERE added = 1;

-- Destinations that fail as a whole: since when, and whether the hub has stopped trying.
CREATE TABLE failing (
    destination TEXT PRIMARY KEY,
    since INTEGER NOT NULL,
    disabled_at INTEGER,
    reason TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- How much of a quota is used up in the period that began then.
CREATE TABLE quota (
    destination TEXT PRIMARY KEY,
    began INTEGER NOT NULL,
    used INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- What retention has removed, in the ledger's numbers: the rows that are there and these are together what was ever accepted.
CREATE TABLE removed (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    numbers TEXT NOT NULL
) STRICT;

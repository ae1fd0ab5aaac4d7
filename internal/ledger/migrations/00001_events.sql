-- +goose Up
CREATE TABLE events (
    id        INTEGER PRIMARY KEY AUTOINCREMENT, -- never used twice, so that a reader's place stays good
    time      INTEGER NOT NULL,                  -- milliseconds since 1970, UTC
    door      TEXT    NOT NULL,
    client    TEXT    NOT NULL,
    count     INTEGER NOT NULL,
    action    TEXT    NOT NULL,
    reply     TEXT    NOT NULL,
    told      INTEGER NOT NULL,
    method    TEXT    NOT NULL,
    host      TEXT    NOT NULL,
    url       TEXT    NOT NULL,
    type      TEXT    NOT NULL,
    page      TEXT    NOT NULL,
    page_from TEXT    NOT NULL,
    site      TEXT    NOT NULL, -- registrable domain of the page, '' if unknown
    tracker   TEXT    NOT NULL COLLATE NOCASE, -- tracker id, '' if none
    company   TEXT    NOT NULL COLLATE NOCASE,
    doc       TEXT    NOT NULL  -- the rest of the verdict, as JSON
);
CREATE INDEX events_time    ON events (time);
CREATE INDEX events_company ON events (company, site, time);
CREATE INDEX events_site    ON events (site, time);
CREATE INDEX events_tracker ON events (tracker, time);

CREATE TABLE disclosed (
    event     INTEGER NOT NULL REFERENCES events (id) ON DELETE CASCADE,
    n         INTEGER NOT NULL, -- its place in the event
    field     TEXT    NOT NULL,
    label     TEXT    NOT NULL,
    value     TEXT    NOT NULL,
    link      TEXT    NOT NULL,
    made      TEXT    NOT NULL,
    sensitive INTEGER NOT NULL,
    PRIMARY KEY (event, n)
) WITHOUT ROWID;
CREATE INDEX disclosed_link  ON disclosed (link) WHERE link <> '';
CREATE INDEX disclosed_field ON disclosed (field, event);

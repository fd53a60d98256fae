-- Who stopped and resumed the line, version 4. Rows are only ever added; what holds now is the newest of each company.

CREATE TABLE switches (
    seq      INTEGER PRIMARY KEY,
    at       INTEGER NOT NULL,            -- microseconds
    actor    TEXT    NOT NULL,            -- who asked for it
    act      TEXT    NOT NULL,            -- off, on; resume after refusals of a next hop
    company  TEXT,                        -- all companies when absent
    next_hop TEXT                         -- of a resume; all of them when absent
) STRICT;

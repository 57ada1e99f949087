-- What is remembered between runs. Times are milliseconds since 1970. A change of anything here raises `VERSION` in state.rs.

-- Whose the rows of the other tables are.
CREATE TABLE owners (
    id INTEGER PRIMARY KEY,
    issuer TEXT NOT NULL,
    subject TEXT NOT NULL,
    account TEXT NOT NULL,
    UNIQUE (issuer, subject, account)
);

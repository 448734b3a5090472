CREATE TABLE IF NOT EXISTS transactions (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    mark TEXT NOT NULL UNIQUE,
    time INTEGER NOT NULL,
    user INTEGER NOT NULL,
    command TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS changes (
    id INTEGER NOT NULL REFERENCES transactions(id),
    position INTEGER NOT NULL,
    action TEXT NOT NULL,
    name TEXT NOT NULL,
    evr TEXT NOT NULL,
    arch TEXT NOT NULL,
    reason TEXT NOT NULL,
    PRIMARY KEY (id, position)
);
CREATE TABLE IF NOT EXISTS reasons (
    name TEXT NOT NULL,
    arch TEXT NOT NULL,
    reason TEXT NOT NULL,
    PRIMARY KEY (name, arch)
);

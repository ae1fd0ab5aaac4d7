// Package lists fetches public filter lists and keeps them.
//
// In flow the names of lists that somebody wants, files, and what servers
// answer; out flow Snapshots: the lists' texts compiled to one Set, with the
// names behind its numbers. A list is replaced only by a whole one that is
// text, has rules and is not suddenly much shorter; whatever else a server
// answers, the last good copy stays and the reason is told. Nothing waits for a
// fetch: a new Snapshot is built aside and swapped whole.
//
// Several processes may use one directory at once: each change is made under a
// lock, on the state as it then is, and is one rename. The package decides
// nothing about requests, and no list is part of it.
package lists

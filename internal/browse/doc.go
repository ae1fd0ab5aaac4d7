// Package browse opens an installed browser behind a proxy: with a fresh
// profile, a CA that it alone trusts, and nothing left when it closes but the
// files its user downloaded.
//
// The browser is the user's own program, run as the user runs it; only its
// profile, and on Linux its home directory, are temporary. It never gets
// --no-sandbox unless the caller passes it.
package browse

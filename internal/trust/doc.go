// Package trust keeps the certificate authority of one installation: it makes
// the root on first use, signs short-lived leaves for intercepted hosts, and
// puts the root into the stores where browsers and programs look for it, or
// takes it out again.
//
// The private key never leaves the directory it was made in. A directory or
// key that others can read is refused, not repaired: a key that was readable
// once must be judged by a person.
package trust

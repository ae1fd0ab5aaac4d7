// Package filterlist speaks the language of public filter lists: EasyList and
// its relatives, hosts files and domain lists, compiled into one index.
//
// In flow the texts of lists, in their order, and questions: a request with
// its page, or a name alone. Out flow matches: which rule of which list blocks,
// and which exception lifts it, without allocation; off the data path the
// rule's text, list and line. A Set never changes. Which lists hold for a
// client comes with each question as a bitset, so that all clients share one
// Set. Lines that do not compile are reported, never silently dropped. The
// package decides nothing about vendors and knows no precedence beyond its own
// realms; it reads no file, clock or network.
package filterlist

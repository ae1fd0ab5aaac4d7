// Package scan is the third door: it says what a mail, a page or a recorded
// browser session would report, to whom and about whom, and makes a copy that
// reports nothing. It is offline: nothing is ever fetched or looked up.
//
// In flow messages from package source; out flows one Report for each. A
// Scanner takes a message apart (mail), finds every reference in it (markup),
// judges them (judge) and puts them into words (explain). What a Report says
// of bytes counts in the file that was scanned. Package run does this for a
// whole mailbox, show, sarif and page print Reports, clean writes copies.
package scan

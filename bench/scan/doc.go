// Command scan measures `quench scan`: megabytes of mail a second of one
// processor, the memory that a mailbox of any size takes, and one mail from
// start to exit.
//
//	go build -o quench ./cmd/quench
//	go run ./bench/scan -quench ./quench -size 10000 docs/examples/newsletter.eml
//
// All speeds count processor time, so that a busy machine changes them little.
// The mailbox is made as it is read and goes through a pipe: nothing is
// written.
package main

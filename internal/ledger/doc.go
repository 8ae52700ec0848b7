// Package ledger is a test of everything at once: two processes pass numbered
// descriptors over sockets of every type and with every function that package
// fdpass has for it, while signals come, the descriptor table is full, contexts are
// cancelled and connections are closed. Each descriptor is a file that exists only
// in memory and whose size is its number. The receiver keeps the books: none may
// be lost without an error, none may come twice or with a message that is not its
// own, each is close-on-exec, and at the end neither process has one more or one
// fewer than at the start.
//
// The test is short. make soak runs it for longer, and two variables make it as
// long as anybody likes: FDPASS_LEDGER is how many descriptors are passed at least,
// and FDPASS_LEDGER_TIME for how long, such as 10m.
package ledger

// Package ledger is a test of everything at once: two processes pass numbered
// descriptors over sockets of every type and with every function that package
// fdpass has for it, while signals come, the descriptor table is full, contexts are
// cancelled and connections are closed. Each descriptor is a file that exists only
// in memory and whose size is its number. The receiver checks that none is lost
// without an error, that none comes twice or with the wrong message, and that each is
// close-on-exec. At the end, both processes have as many descriptors as at the start.
//
// The test is short. make soak runs it for longer. Two variables set its length:
// FDPASS_LEDGER is the least number of descriptors to pass, and FDPASS_LEDGER_TIME is
// the least time, such as 10m.
package ledger

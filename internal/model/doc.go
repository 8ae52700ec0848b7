// Package model has only tests: random sequences of sends, receives and faults on
// both ends of a socket, which are compared with a model of what should happen.
//
// It uses the library as any other program does. Each sequence comes from a
// seed, so that a failure can be played again; a failing sequence is made
// shorter and printed with the command that plays it. Flags make it play more:
//
//	go test ./internal/model -args -seed 5 -seeds 100 -steps 2000
package model

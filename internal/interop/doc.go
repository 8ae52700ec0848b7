// Package interop has no code of its own. Its tests pass descriptors to and
// from programs that nobody here wrote: each starts the real program, on a
// socket in a temporary directory or a port of the loopback interface, and
// ends it by its process id.
//
// A test whose program is not installed is skipped, and names the Debian
// package that brings it. make interop installs all of them and skips nothing.
package interop

//go:build !fdpass_portable

package fdtest

// Portable reports whether the library was built with its backend for systems
// other than Linux.
const Portable = false

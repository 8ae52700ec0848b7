//go:build fdpass_portable

package fdtest

// Portable is described in portable.go.
const Portable = true

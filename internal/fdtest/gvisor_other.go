//go:build !linux

package fdtest

func underGVisor() bool { return false }

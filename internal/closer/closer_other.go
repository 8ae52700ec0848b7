//go:build !unix

package closer

// No descriptors are received on these systems.

func isSocket(fd int) bool { return false }
func stopLinger(fd int)    {}
func closeFD(fd int)       {}

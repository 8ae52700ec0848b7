// Package fdpass receives and sends file descriptors, and every other kind of
// ancillary data, over Unix-domain sockets on Linux. It builds the kernel's
// msghdr, iovec and cmsghdr by hand (package rawmsg) and needs nothing but the
// standard library.
package fdpass

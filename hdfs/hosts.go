package shortcircuit

import (
	"context"
	"net"
	"net/netip"
	"strconv"
	"sync"
	"time"
)

// hosts remembers which hosts are this machine.
type hosts struct {
	mu    sync.Mutex
	known map[string]host
}

type host struct {
	ip    netip.Addr
	local bool
	until time.Time
}

// remember is how long an answer is used again, since addresses change.
const remember = time.Minute

// local reports whether an address is one of this machine's, and returns it.
func (h *hosts) local(ctx context.Context, addr string) (net.Addr, bool) {
	name, service, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, false
	}
	port, err := strconv.ParseUint(service, 10, 16)
	if err != nil {
		return nil, false
	}
	h.mu.Lock()
	k, ok := h.known[name]
	h.mu.Unlock()
	if !ok || time.Now().After(k.until) {
		k = lookUp(ctx, name)
		h.mu.Lock()
		if h.known == nil {
			h.known = map[string]host{}
		}
		h.known[name] = k
		h.mu.Unlock()
	}
	return net.TCPAddrFromAddrPort(netip.AddrPortFrom(k.ip, uint16(port))), k.local
}

// lookUp finds the address of a host and looks for it among the interfaces.
func lookUp(ctx context.Context, name string) host {
	h := host{until: time.Now().Add(remember)}
	ips, err := net.DefaultResolver.LookupNetIP(ctx, "ip", name)
	if err != nil {
		return host{}
	}
	own, _ := net.InterfaceAddrs()
	for _, ip := range ips {
		if h.ip = ip.Unmap(); h.ip.IsLoopback() {
			h.local = true
			return h
		}
		for _, a := range own {
			if n, ok := a.(*net.IPNet); ok && n.IP.Equal(h.ip.AsSlice()) {
				h.local = true
				return h
			}
		}
	}
	return h
}

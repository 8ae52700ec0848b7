//go:build linux

// Command handover is an HTTP server that gives its listening socket to its own
// next version, without losing a connection:
//
//	handover -version 1 -http localhost:8080 -control /tmp/handover.sock &
//	curl localhost:8080
//	handover -version 2 -http localhost:8080 -control /tmp/handover.sock &
//	curl localhost:8080
//
// The second process connects to the control socket and receives both listening
// sockets from the first one. Now two processes have the same socket open. The kernel
// has one queue of connections for it, and both processes may accept from that queue.
// There is always a process that listens, so no connection is refused. And because
// there is only one queue, no connection that waits in it is dropped. With a second
// socket on the same port (SO_REUSEPORT), the connections in the queue of the first one
// would be dropped when it closes.
//
// When the new version serves, it sends one byte. Only then the old version stops
// accepting, answers on its connections until they are closed, and exits. If the new
// version fails before that, the connection between the two closes, and the old
// version continues.
//
// The control socket is passed as well, so that a third version finds the second.
// A process that can connect to it can serve in our place, so the old version asks the
// kernel which user that process has.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

func main() {
	log.SetFlags(0)
	var s server
	flag.StringVar(&s.version, "version", "1", "what to answer `with`")
	flag.StringVar(&s.address, "http", "localhost:8080",
		"TCP `address` of the first version; the others take it over")
	flag.StringVar(&s.path, "control", "handover.sock", "`path` of the control socket")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := s.run(ctx, os.Stdout); err != nil {
		log.Fatal("handover: ", err)
	}
}

type server struct {
	version string
	address string
	path    string

	web     *net.TCPListener
	control *net.UnixListener

	conns    sync.WaitGroup // accepted and not yet closed
	draining atomic.Bool    // there is a successor, or an end
}

// idle is how long a client may keep a connection that it does not use.
const idle = 5 * time.Second

// run serves until a successor does, or until ctx is done.
func (s *server) run(ctx context.Context, out io.Writer) error {
	predecessor, err := s.listen()
	if err != nil {
		return err
	}
	web := &http.Server{Handler: s, ConnState: s.count, IdleTimeout: idle, ReadHeaderTimeout: idle}
	ended := make(chan error, 1)
	go func() { ended <- web.Serve(s.web) }()
	if predecessor != nil {
		if err := ready(predecessor); err != nil {
			return err
		}
	}
	fmt.Fprintf(out, "version %s serves on http://%s\n", s.version, s.web.Addr())

	succeeded := make(chan bool, 1)
	go func() { succeeded <- s.awaitSuccessor() }()
	select {
	case err := <-ended:
		return err
	case <-succeeded:
	case <-ctx.Done():
		os.Remove(s.path) // nobody is to come any more
	}
	s.control.Close()
	s.web.Close() // this process's descriptor of the socket; the successor's is another
	<-ended       // whatever was accepted has been counted
	s.drain()
	return web.Close()
}

// drain answers requests on the connections that were accepted, and waits until they
// are closed.
//
// [http.Server.Shutdown] is not enough if no request may be lost. It closes idle
// connections, although a request may be arriving on one of them, and drops a request
// that has been read at the moment when it is called.
func (s *server) drain() {
	s.draining.Store(true)
	done := make(chan bool)
	go func() {
		s.conns.Wait()
		close(done)
	}()
	select {
	case <-done:
	case <-time.After(time.Minute):
	}
}

// count counts the connections.
func (s *server) count(_ net.Conn, state http.ConnState) {
	switch state {
	case http.StateNew:
		s.conns.Add(1)
	case http.StateClosed, http.StateHijacked:
		s.conns.Done()
	}
}

// ServeHTTP reads all of the request and answers with the version. If there is a
// successor, it closes the connection, so that the client's next request goes there.
func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if _, err := io.Copy(io.Discard, r.Body); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	if s.draining.Load() {
		w.Header().Set("Connection", "close")
	}
	fmt.Fprint(w, s.version)
}

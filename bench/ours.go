package main

import (
	"errors"
	"net"
	"syscall"

	"example.com/fdpass"
)

func recvFDs(sock int, fds []int) (*way, error) {
	k := newKeeper()
	return &way{
		recvKeep: func() error {
			got, err := fdpass.RecvFDs(sock, len(fds))
			if err != nil {
				return err
			}
			k.fds = append(k.fds, got...)
			return expect(len(got), len(fds))
		},
		recvClose: func() error {
			got, err := fdpass.RecvFDs(sock, len(fds))
			if err != nil {
				return err
			}
			return fdpass.CloseFDs(got)
		},
		closeKept: k.close,
		send:      func() error { return fdpass.SendFDs(sock, fds...) },
	}, nil
}

func bareReceiver(sock int, fds []int) (*way, error)           { return receiver(fdpass.Socket(sock), fds) }
func connReceiver(conn *net.UnixConn, fds []int) (*way, error) { return receiver(conn, fds) }

func receiver(conn syscall.Conn, fds []int) (*way, error) {
	r, err := fdpass.NewReceiver(conn, fdpass.Options{MaxFDs: len(fds)})
	if err != nil {
		return nil, err
	}
	s, err := fdpass.NewSender(conn)
	if err != nil {
		return nil, err
	}
	k, p := newKeeper(), make([]byte, 1)
	return &way{
		recvKeep: func() error {
			m, err := r.Recv(p)
			if err != nil {
				return err
			}
			got := len(m.FDs())
			k.fds = m.TakeFDsInto(k.fds)
			return expect(got, len(fds))
		},
		recvClose: func() error {
			m, err := r.Recv(p)
			if err != nil {
				return err
			}
			return m.Close()
		},
		closeKept: k.close,
		send: func() error {
			_, err := s.Send(p, fds...)
			return err
		},
	}, nil
}

func recvFiles(conn *net.UnixConn, fds []int) (*way, error) {
	k, own := newFileKeeper(), files(fds)
	return &way{
		recvKeep: func() error {
			got, err := fdpass.Recv(conn, len(fds))
			if err != nil {
				return err
			}
			k.files = append(k.files, got...)
			return expect(len(got), len(fds))
		},
		recvClose: func() error {
			got, err := fdpass.Recv(conn, len(fds))
			if err != nil {
				return err
			}
			return closeFiles(got)
		},
		closeKept: k.close,
		send:      func() error { return fdpass.Send(conn, own...) },
	}, nil
}

func bareBatch(sock int, fds []int) (*way, error)           { return batch(fdpass.Socket(sock), fds) }
func connBatch(conn *net.UnixConn, fds []int) (*way, error) { return batch(conn, fds) }

func batch(conn syscall.Conn, fds []int) (*way, error) {
	r, err := fdpass.NewBatchReceiver(conn, batchSize, fdpass.Options{MaxFDs: len(fds)})
	if err != nil {
		return nil, err
	}
	s, err := fdpass.NewBatchSender(conn)
	if err != nil {
		return nil, err
	}
	k, bufs, out := newKeeper(), make([][]byte, batchSize), make([]fdpass.Outgoing, batchSize)
	for i := range bufs {
		bufs[i] = make([]byte, 1)
		out[i] = fdpass.Outgoing{Payload: bufs[i], FDs: fds}
	}
	return &way{
		unit: batchSize,
		recvKeep: func() error {
			msgs, err := r.Recv(bufs)
			if err != nil {
				return err
			}
			before := len(k.fds)
			for i := range msgs {
				k.fds = msgs[i].TakeFDsInto(k.fds)
			}
			return expect(len(k.fds)-before, len(fds)*batchSize)
		},
		recvClose: func() error {
			msgs, err := r.Recv(bufs)
			if err != nil {
				return err
			}
			return errors.Join(expect(len(msgs), batchSize), r.Discard())
		},
		closeKept: k.close,
		send: func() error {
			_, _, err := s.Send(out)
			return err
		},
	}, nil
}

//go:build linux && go1.24

// Command blocks serves blocks of data by passing descriptors to its clients. A client
// reads the data from the files and checks them. The data do not go through a socket.
// In HDFS this is called a short-circuit read, between a DataNode and a client on the
// same machine.
//
//	blocks store /srv/blocks b1 < data
//	blocks serve /run/blocks.sock /srv/blocks &
//	blocks read /run/blocks.sock b1 100 50       # 50 bytes from byte 100 on
//
// A block is two files. NAME.data has the bytes, and NAME.meta has a header and a
// CRC32C for each 512 bytes. When a client asks for a name, the server opens both files
// for reading and passes the two descriptors in one message. That is all the server
// does. The client then reads with pread(2), at any offset and any number of times,
// from the page cache of the machine, and checks the checksum of each chunk. It needs
// no permission for the directory. It does not need the server any more either: the
// files stay open when the server ends or the block is deleted.
//
// This is also the limit of the idea. A server cannot take a descriptor back. If it has
// to revoke blocks (HDFS does so by means of a page of shared memory), or to count
// reads, this is not enough.
package main

import (
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"os"
	"strconv"
)

func main() {
	log.SetFlags(0)
	if err := run(os.Args[1:], os.Stdin, os.Stdout); err != nil {
		log.Fatal("blocks: ", err)
	}
}

func run(args []string, in io.Reader, out io.Writer) error {
	switch {
	case len(args) == 3 && args[0] == "store":
		return store(args[1], args[2], in)
	case len(args) == 3 && args[0] == "serve":
		l, err := net.ListenUnix("unixpacket", &net.UnixAddr{Name: args[1], Net: "unixpacket"})
		if err != nil {
			return err
		}
		return serve(l, args[2])
	case len(args) == 5 && args[0] == "read":
		return read(args[1], args[2], args[3], args[4], out)
	}
	return errors.New("usage: blocks store DIR NAME, blocks serve SOCKET DIR, " +
		"blocks read SOCKET NAME OFFSET LENGTH")
}

// read copies a part of a block to out.
func read(socket, name, offset, length string, out io.Writer) error {
	off, err := strconv.ParseInt(offset, 10, 64)
	if err != nil {
		return err
	}
	n, err := strconv.ParseInt(length, 10, 64)
	if err != nil {
		return err
	}
	conn, err := net.DialUnix("unixpacket", nil, &net.UnixAddr{Name: socket, Net: "unixpacket"})
	if err != nil {
		return err
	}
	defer conn.Close()
	b, err := open(conn, name)
	if err != nil {
		return fmt.Errorf("block %q: %w", name, err)
	}
	defer b.Close()
	if _, err := io.Copy(out, io.NewSectionReader(b, off, n)); err != nil {
		return fmt.Errorf("block %q: %w", name, err)
	}
	return nil
}

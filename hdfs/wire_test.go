package shortcircuit

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"errors"
	"io"
	"net"
	"testing"
	"time"
)

// The bytes were typed by hand from datatransfer.proto and hdfs.proto.
func TestWhichBytesIsARequest(t *testing.T) {
	block := Block{Pool: "BP-1", ID: 0x40000001, GenerationStamp: 1001, Length: 300}
	header := appendHeader(nil, block, Token{Kind: "K"})
	m := appendUint(appendBytes(nil, 1, header), 2, maxVersion)
	got := hex.EncodeToString(appendRequest(nil, opRequestFDs, m))
	const want = "001c57" + "23" + // version, operation, length
		"0a1f" + // header
		"0a12" + "0a0442502d31" + "108180808004" + "18e907" + "20ac02" + // block
		"1209" + "0a00" + "1200" + "1a014b" + "2200" + // token
		"1001" // maxVersion
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	back, token, err := parseHeader(header)
	if err != nil || back != block || token.Kind != "K" {
		t.Errorf("%+v, %+v, %v", back, token, err)
	}
}

func TestWhatDoAnswersMean(t *testing.T) {
	for _, test := range []struct {
		op     byte
		answer string
		want   error
	}{
		{opRequestFDs, "08003001", nil},
		{opRequestFDs, "0805", StatusErrorAccessToken},
		{opRequestFDs, "08012a0161", StatusError},
		{opRelease, "0803", StatusErrorInvalid},
		{opRequestFDs, "0807", StatusErrorUnsupported},
		{opRequestFDs, "", ErrProtocol},
		{opRequestFDs, "0a05", ErrProtocol},
	} {
		b, _ := hex.DecodeString(test.answer)
		if err := replyError(test.op, b); !errors.Is(err, test.want) {
			t.Errorf("%s: %v", test.answer, err)
		}
	}
	hi, lo, err := parseShm([]byte{8, 0, 0x1a, 4, 8, 5, 0x10, 6})
	if hi != 5 || lo != 6 || err != nil {
		t.Error(hi, lo, err)
	}
}

func FuzzAnswer(f *testing.F) {
	f.Add([]byte{8, 0, 0x30, 1})
	f.Add([]byte{8, 0, 0x1a, 4, 8, 5, 0x10, 6})
	f.Fuzz(func(t *testing.T, b []byte) {
		replyError(opRequestFDs, b)
		replyError(opRequestShm, b)
		parseShm(b)
		readMessage(bufio.NewReader(bytes.NewReader(b)))
		block, token, err := parseHeader(b)
		if err != nil {
			return
		}
		again, _, err := parseHeader(appendHeader(nil, block, token))
		if err != nil || again != block {
			t.Fatalf("%+v became %+v, %v", block, again, err)
		}
	})
}

func FuzzReadBlock(f *testing.F) {
	header := appendBytes(nil, 1, appendHeader(nil, Block{"BP", 1, 2, 3}, Token{}))
	f.Add(appendRequest(nil, opReadBlock, (&readBlock{off: 1, length: 2, header: header}).message(0)))
	f.Fuzz(func(t *testing.T, b []byte) {
		req, kind := recognize(b)
		if (req != nil) != (kind == isReadBlock) {
			t.Fatal(kind, req)
		}
		if req == nil {
			return
		}
		again, kind := recognize(appendRequest(nil, opReadBlock, req.message(0)))
		if kind != isReadBlock || again.block != req.block || again.off != req.off ||
			again.length != req.length {
			t.Fatalf("%+v became %+v", req, again)
		}
	})
}

func FuzzMeta(f *testing.F) {
	f.Add([]byte{0, 1, 2, 0, 0, 2, 0, 1, 2, 3, 4}, []byte("data"))
	f.Fuzz(func(t *testing.T, meta, data []byte) {
		c, err := readMeta(bytes.NewReader(meta), int64(len(data)))
		if err != nil {
			return
		}
		good, ok := c.verify(data, 0)
		if ok != (good == len(data)) && len(data) > 0 {
			t.Fatal(good, ok)
		}
	})
}

// bytesConn is a connection whose other end sends given bytes.
type bytesConn struct {
	net.Conn
	r io.Reader
}

func (c bytesConn) Read(p []byte) (int, error)  { return c.r.Read(p) }
func (c bytesConn) Write(p []byte) (int, error) { return len(p), nil }
func (c bytesConn) SetDeadline(time.Time) error { return nil }

func FuzzPackets(f *testing.F) {
	f.Add(append(appendPacket(appendSuccess(nil, 512, 0), packet{size: 4}), "data"...), int64(0), int64(4))
	f.Fuzz(func(t *testing.T, b []byte, off, length int64) {
		if off < 0 || length < 0 || off+length < 0 {
			return
		}
		r, err := openTCP(bytesConn{r: bytes.NewReader(b)}, &readBlock{off: off, length: length}, 0)
		if err != nil {
			return
		}
		got, err := io.ReadAll(r)
		if int64(len(got)) > length || err == nil && int64(len(got)) != length {
			t.Fatalf("%d bytes of %d, %v", len(got), length, err)
		}
	})
}

// Package site answers the requests of a page that draws control buffers and explains
// bytes. The page itself is in the folder page, the folder wasm makes the answers
// callable from it, and the folder build puts both together.
//
// The layouts, the drawings and the explanations are those of internal/abi,
// internal/draw and internal/decode. The command does not use this package.
package site

import (
	"encoding/hex"
	"fmt"

	"example.com/fdpass/internal/abi"
	"example.com/fdpass/internal/decode"
)

// maxShown is how many bytes of a field a row shows at most.
const maxShown = 64

// Block is a table of the page: a struct, a control message, or what follows
// the last message.
type Block struct {
	Heading string   `json:"heading"`
	Rows    []Row    `json:"rows"`
	Notes   []string `json:"notes"` // what is odd about it
}

// Row is a field: bytes that mean one thing.
type Row struct {
	Offset  int    `json:"offset"`  // from the start of the struct or buffer, in bytes
	Size    int    `json:"size"`    // in bytes
	Bytes   string `json:"bytes"`   // in hex, at most maxShown of them; empty for a struct
	Decl    string `json:"decl"`    // as C declares it, or "padding", "data", …
	Meaning string `json:"meaning"` // the value, and what it means
}

// structBlock returns a struct of the kernel's interface as a table.
func structBlock(a abi.Arch, s abi.Struct) Block {
	b := Block{Heading: fmt.Sprintf("struct %s on %s: %d bytes", s.Name, a.Name, s.Size)}
	for _, f := range s.Fields {
		b.Rows = append(b.Rows, Row{Offset: f.Offset, Size: f.Size, Decl: f.Decl()})
	}
	return b
}

// reportBlocks returns the messages of a control buffer as tables.
func reportBlocks(r *decode.Report, buf []byte) (blocks []Block) {
	for i, m := range r.Messages {
		heading := fmt.Sprintf("%d. %s: %s", i+1, m.Name, m.Summary)
		blocks = append(blocks, Block{heading, rows(m.Fields, buf), m.Notes})
	}
	if len(r.Rest) > 0 {
		blocks = append(blocks, Block{Heading: "After the last message", Rows: rows(r.Rest, buf)})
	}
	return blocks
}

func rows(fields []decode.Field, buf []byte) (rows []Row) {
	for _, f := range fields {
		row := Row{Offset: f.Offset, Size: f.Size, Decl: f.Name, Meaning: meaning(f)}
		if f.Type != "" {
			row.Decl = f.Type + " " + f.Name
		}
		row.Bytes = hexed(buf[f.Offset:][:f.Size])
		rows = append(rows, row)
	}
	return rows
}

// meaning returns a field's value and what it means: "20 = CMSG_LEN(4)".
func meaning(f decode.Field) string {
	switch {
	case f.Value == nil:
		return f.Note
	case f.Note == "":
		return fmt.Sprint(f.Value)
	}
	return fmt.Sprintf("%v = %s", f.Value, f.Note)
}

func hexed(b []byte) string {
	if len(b) > maxShown {
		return fmt.Sprintf("% x … %d more", b[:maxShown], len(b)-maxShown)
	}
	return fmt.Sprintf("% x", b)
}

func unhexed(s string) []byte {
	b, err := hex.DecodeString(s)
	if err != nil {
		panic(err) // draw wrote it
	}
	return b
}

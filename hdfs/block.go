package shortcircuit

// Block is the identity of a block as the NameNode gives it to a client
// (ExtendedBlockProto in hdfs.proto).
type Block struct {
	Pool            string
	ID              uint64
	GenerationStamp uint64
	Length          int64 // bytes
}

// Token is the right to read a block, as the NameNode gives it to a client
// (TokenProto in Security.proto). In a cluster without block tokens it is empty.
type Token struct {
	Identifier, Password []byte
	Kind, Service        string
}

// appendHeader appends a BaseHeaderProto.
func appendHeader(b []byte, block Block, token Token) []byte {
	var p []byte
	p = appendBytes(p, 1, block.Pool)
	p = appendUint(p, 2, block.ID)
	p = appendUint(p, 3, block.GenerationStamp)
	p = appendUint(p, 4, uint64(block.Length))
	b = appendBytes(b, 1, p)

	p = appendBytes(p[:0], 1, token.Identifier)
	p = appendBytes(p, 2, token.Password)
	p = appendBytes(p, 3, token.Kind)
	p = appendBytes(p, 4, token.Service)
	return appendBytes(b, 2, p)
}

// parseHeader parses a BaseHeaderProto.
func parseHeader(b []byte) (block Block, token Token, err error) {
	for f, err := range fields(b) {
		if err == nil && f.num == 1 {
			block, err = parseBlock(f.bytes)
		}
		if err == nil && f.num == 2 {
			token, err = parseToken(f.bytes)
		}
		if err != nil {
			return block, token, err
		}
	}
	return block, token, nil
}

func parseBlock(b []byte) (block Block, err error) {
	for f, err := range fields(b) {
		if err != nil {
			return block, err
		}
		switch f.num {
		case 1:
			block.Pool = string(f.bytes)
		case 2:
			block.ID = f.n
		case 3:
			block.GenerationStamp = f.n
		case 4:
			block.Length = int64(f.n)
		}
	}
	if block.Length < 0 {
		return block, errProtocol("a block of %d bytes", block.Length)
	}
	return block, nil
}

func parseToken(b []byte) (token Token, err error) {
	for f, err := range fields(b) {
		if err != nil {
			return token, err
		}
		switch f.num {
		case 1:
			token.Identifier = append([]byte(nil), f.bytes...)
		case 2:
			token.Password = append([]byte(nil), f.bytes...)
		case 3:
			token.Kind = string(f.bytes)
		case 4:
			token.Service = string(f.bytes)
		}
	}
	return token, nil
}

package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"example.com/fdpass/internal/foreign/debian"
)

// kernel gets the file that qemu starts g from.
func kernel(ctx context.Context, g guest, dir string) (string, error) {
	if g.built != "" {
		return build(ctx, g.built)
	}
	root, err := debian.Download(ctx, g.source, g.pattern)
	if err != nil {
		return "", err
	}
	// The second is where newer packages have it.
	for _, place := range []string{"boot/vmlinu[xz]-*", "usr/lib/modules/*/vmlinu[xz]"} {
		if files, _ := filepath.Glob(filepath.Join(root, place)); len(files) == 1 {
			return unpacked(ctx, files[0], dir)
		}
	}
	return "", errors.New(root + ": no kernel in it")
}

// unpacked is the kernel itself where file is a "zboot" image with zstd, which
// qemu does not start: a program for EFI that holds the kernel compressed.
// Else it is file. The header is that of
// drivers/firmware/efi/libstub/zboot-header.S, little-endian.
func unpacked(ctx context.Context, file, dir string) (string, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return "", err
	}
	if len(b) < 64 || string(b[4:8]) != "zimg" || !bytes.HasPrefix(b[24:], []byte("zstd")) {
		return file, nil
	}
	offset, size := int(binary.LittleEndian.Uint32(b[8:])), int(binary.LittleEndian.Uint32(b[12:]))
	if offset > len(b) || size > len(b)-offset {
		return "", errors.New(file + ": the zboot header points outside")
	}
	if err := debian.Install(ctx, debian.Tool{Command: "zstd", Package: "zstd"}); err != nil {
		return "", err
	}
	image := filepath.Join(dir, "Image")
	cmd := exec.CommandContext(ctx, "zstd", "-dqf", "-o", image)
	cmd.Stdin = bytes.NewReader(b[offset : offset+size])
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("zstd: %w\n%s", err, out)
	}
	return image, nil
}

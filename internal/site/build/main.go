// Command build puts the page to play with into a folder: the files of
// internal/site/page, Go's loader for WebAssembly, and the program.
//
//	go run ./internal/site/build FOLDER
//
// The program is compressed and stands as text in a script. So the page needs
// no server: a browser opens its index.html from a disk, where it would not
// fetch a file.
package main

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"fmt"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

func main() {
	log.SetFlags(0)
	log.SetPrefix("site: ")
	if len(os.Args) != 2 {
		log.Fatal("usage: go run ./internal/site/build FOLDER")
	}
	if err := build(os.Args[1]); err != nil {
		log.Fatal(err)
	}
}

func build(dir string) error {
	module, err := goTool(nil, "list", "-m", "-f", "{{.Dir}}")
	if err != nil {
		return err
	}
	goroot, err := goTool(nil, "env", "GOROOT")
	if err != nil {
		return err
	}
	page := filepath.Join(module, "internal", "site", "page")
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	if err := os.CopyFS(dir, os.DirFS(page)); err != nil {
		return err
	}
	loader, err := os.ReadFile(filepath.Join(goroot, "lib", "wasm", "wasm_exec.js"))
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "wasm_exec.js"), loader, 0o644); err != nil {
		return err
	}
	script, err := program(filepath.Join(dir, "program.wasm"))
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "program.js"), script, 0o644)
}

// program builds the WebAssembly program and returns it as a script.
func program(file string) ([]byte, error) {
	defer os.Remove(file)
	env := append(os.Environ(), "GOOS=js", "GOARCH=wasm", "CGO_ENABLED=0")
	_, err := goTool(env, "build", "-trimpath", "-ldflags=-s -w", "-o", file,
		"example.com/fdpass/internal/site/wasm")
	if err != nil {
		return nil, err
	}
	wasm, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var zipped bytes.Buffer
	w, err := gzip.NewWriterLevel(&zipped, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(wasm); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	text := base64.StdEncoding.EncodeToString(zipped.Bytes())
	fmt.Printf("program: %d bytes of WebAssembly, %d as a script\n", len(wasm), len(text))
	return []byte("const program = '" + text + "';\n"), nil
}

// goTool runs the go command and returns what it printed.
func goTool(env []string, args ...string) (string, error) {
	cmd := exec.Command("go", args...)
	cmd.Env, cmd.Stderr = env, os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("go %s: %w", strings.Join(args, " "), err)
	}
	return strings.TrimSpace(string(out)), nil
}

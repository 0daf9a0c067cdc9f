// Checks a mirror of our ledger with Go's own packages for transparency logs, sumdb/note and
// sumdb/tlog: the checkpoint's signature, every tile, that every entry is in the tree, and that the tree
// only grew.
//
//	tlog FOLDER VKEY [OLDER_CHECKPOINT]
//
// Without modules: the packages are Debian's golang-golang-x-mod-dev, below /usr/share/gocode.
package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// The height of a tile in C2SP tlog-tiles: 2^8 = 256 hashes.
const height = 8

func main() {
	if len(os.Args) < 3 {
		fmt.Fprintln(os.Stderr, "usage: tlog FOLDER VKEY [OLDER_CHECKPOINT]")
		os.Exit(2)
	}
	if err := check(folder(os.Args[1]), os.Args[2], os.Args[3:]); err != nil {
		fmt.Fprintln(os.Stderr, "WRONG:", err)
		os.Exit(1)
	}
}

func check(f folder, vkey string, older []string) error {
	size, root, err := open(filepath.Join(string(f), "checkpoint"), vkey)
	if err != nil {
		return err
	}
	// Proves each tile by the root before anything is read out of it.
	hashes := tlog.TileHashReader(tlog.Tree{N: size, Hash: root}, f)
	for n := int64(0); n < size; n++ {
		if err := included(f, hashes, n, size, root); err != nil {
			return fmt.Errorf("entry %d: %w", n, err)
		}
	}
	for old := int64(1); old <= size; old++ {
		before, err := tlog.TreeHash(old, hashes)
		if err != nil {
			return err
		}
		if err := grew(hashes, old, before, size, root); err != nil {
			return fmt.Errorf("from %d to %d: %w", old, size, err)
		}
	}
	for _, path := range older {
		old, before, err := open(path, vkey)
		if err != nil {
			return err
		}
		if err := grew(hashes, old, before, size, root); err != nil {
			return fmt.Errorf("from the checkpoint at %d to %d: %w", old, size, err)
		}
	}
	fmt.Printf("ok  Go's tlog: %d entries are included, %d older sizes are beginnings, %d of them signed\n",
		size, size, len(older))
	return nil
}

// The size and root that a signed checkpoint states (C2SP tlog-checkpoint).
func open(path, vkey string) (int64, tlog.Hash, error) {
	verifier, err := note.NewVerifier(vkey)
	if err != nil {
		return 0, tlog.Hash{}, err
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return 0, tlog.Hash{}, err
	}
	signed, err := note.Open(data, note.VerifierList(verifier))
	if err != nil {
		return 0, tlog.Hash{}, err
	}
	lines := strings.Split(signed.Text, "\n")
	if len(lines) < 4 || lines[0] != verifier.Name() {
		return 0, tlog.Hash{}, fmt.Errorf("%s is no checkpoint of %s", path, verifier.Name())
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil {
		return 0, tlog.Hash{}, err
	}
	root, err := tlog.ParseHash(lines[2])
	return size, root, err
}

func included(f folder, hashes tlog.HashReader, n, size int64, root tlog.Hash) error {
	entry, err := f.entry(n, size)
	if err != nil {
		return err
	}
	proof, err := tlog.ProveRecord(size, n, hashes)
	if err != nil {
		return err
	}
	return tlog.CheckRecord(proof, size, root, n, tlog.RecordHash(entry))
}

func grew(hashes tlog.HashReader, old int64, before tlog.Hash, size int64, root tlog.Hash) error {
	proof, err := tlog.ProveTree(size, old, hashes)
	if err != nil {
		return err
	}
	return tlog.CheckTree(proof, size, root, old, before)
}

// A mirror's folder, as tlog reads tiles.
type folder string

func (f folder) Height() int                     { return height }
func (f folder) SaveTiles([]tlog.Tile, [][]byte) {}
func (f folder) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	var all [][]byte
	for _, tile := range tiles {
		data, err := f.read(path(tile))
		if err != nil {
			return nil, err
		}
		all = append(all, data)
	}
	return all, nil
}

func (f folder) read(name string) ([]byte, error) {
	return os.ReadFile(filepath.Join(string(f), name))
}

// C2SP tlog-tiles writes tile/0/... and tile/entries/...; sumdb tile/8/0/..., with the height, and
// tile/8/data/...
func path(tile tlog.Tile) string {
	name := strings.TrimPrefix(tile.Path(), fmt.Sprintf("tile/%d/", height))
	return "tile/" + strings.Replace(name, "data/", "entries/", 1)
}

// Entry n out of its bundle: each stands behind its length in two bytes (C2SP tlog-tiles; sumdb's data
// tiles are another format).
func (f folder) entry(n, size int64) ([]byte, error) {
	tile := tlog.Tile{H: height, L: -1, N: n >> height, W: 1 << height}
	if left := size - tile.N<<height; left < 1<<height {
		tile.W = int(left)
	}
	data, err := f.read(path(tile))
	if err != nil {
		return nil, err
	}
	bundle := bytes.NewBuffer(data)
	for i := tile.N << height; ; i++ {
		length := bundle.Next(2)
		if len(length) < 2 {
			return nil, fmt.Errorf("%s ends before it", path(tile))
		}
		entry := bundle.Next(int(binary.BigEndian.Uint16(length)))
		if i == n {
			return entry, nil
		}
	}
}

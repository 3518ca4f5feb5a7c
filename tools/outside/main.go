// Command outside reads a C2SP tlog-tiles log and believes nothing but a key.
//
// Rules: C2SP tlog-tiles, tlog-checkpoint and signed-note. Merkle arithmetic, tiles and signatures
// are those of golang.org/x/mod/sumdb; nothing of Liuhen is used.
package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const (
	height = 8
	width  = 1 << height
	// The longest answer that can be right: a bundle of 256 entries of 65,535 bytes.
	longest = width * (2 + 65535)
	// How many records are proved one by one, beside the ends of the log.
	samples = 32
)

func main() {
	earlier := flag.String("earlier", "", "file with an earlier checkpoint that this log must extend")
	save := flag.String("save", "", "file that receives the checkpoint once all is verified")
	flag.Usage = func() {
		fmt.Fprintln(os.Stderr, "usage: outside [-earlier FILE] [-save FILE] URL VKEY\n"+
			"URL is http://…, https://… or file:///…, the place beneath which checkpoint and tile/ lie")
		flag.PrintDefaults()
	}
	flag.Parse()
	if flag.NArg() != 2 {
		flag.Usage()
		os.Exit(2)
	}
	line, err := run(flag.Arg(0), flag.Arg(1), *earlier, *save)
	if err != nil {
		fmt.Fprintln(os.Stderr, "FAULT:", err)
		os.Exit(1)
	}
	fmt.Println(line)
}

// run verifies the whole log and answers the summary line.
func run(base, vkey, earlier, save string) (string, error) {
	verifier, err := note.NewVerifier(vkey)
	if err != nil {
		return "", fmt.Errorf("key: %w", err)
	}
	place := &place{base: strings.TrimSuffix(base, "/"), client: &http.Client{Timeout: time.Minute}}
	text, err := place.get("checkpoint")
	if err != nil {
		return "", fmt.Errorf("checkpoint: %w", err)
	}
	point, err := open(text, verifier)
	if err != nil {
		return "", fmt.Errorf("checkpoint: %w", err)
	}
	log := newLog(place, point.tree)
	if err := log.checkTree(); err != nil {
		return "", err
	}
	if err := log.checkEntries(); err != nil {
		return "", err
	}
	if err := log.checkTiles(); err != nil {
		return "", err
	}
	proved, err := log.checkInclusion()
	if err != nil {
		return "", err
	}
	since := "none"
	if earlier != "" {
		old, err := log.checkExtends(earlier, verifier)
		if err != nil {
			return "", fmt.Errorf("earlier checkpoint: %w", err)
		}
		since = strconv.FormatInt(old, 10)
	}
	if save != "" {
		if err := os.WriteFile(save, text, 0o644); err != nil {
			return "", err
		}
	}
	return fmt.Sprintf("OK origin=%s size=%d root=%s tiles=%d bundles=%d entries=%d inclusion=%d consistent-with=%s other-signatures=%d",
		point.origin, point.tree.N, point.tree.Hash, len(log.tiles), log.bundles, len(log.leaves), proved, since, point.others), nil
}

// A checkpoint whose signature by the log was verified.
type checkpoint struct {
	origin string
	tree   tlog.Tree
	others int // signatures by keys we do not know, such as witnesses'
}

// open verifies a checkpoint note. Extension lines and signatures by others are let pass.
func open(text []byte, verifier note.Verifier) (*checkpoint, error) {
	opened, err := note.Open(text, note.VerifierList(verifier))
	if err != nil {
		return nil, err
	}
	lines := strings.Split(strings.TrimSuffix(opened.Text, "\n"), "\n")
	if len(lines) < 3 {
		return nil, errors.New("fewer than three lines")
	}
	if lines[0] != verifier.Name() {
		return nil, fmt.Errorf("origin %q, but the key is named %q", lines[0], verifier.Name())
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil || size < 0 || strconv.FormatInt(size, 10) != lines[1] {
		return nil, fmt.Errorf("size %q", lines[1])
	}
	root, err := tlog.ParseHash(lines[2])
	if err != nil || base64.StdEncoding.EncodeToString(root[:]) != lines[2] {
		return nil, fmt.Errorf("root %q", lines[2])
	}
	for _, extension := range lines[3:] {
		if extension == "" {
			return nil, errors.New("an empty extension line")
		}
	}
	return &checkpoint{lines[0], tlog.Tree{N: size, Hash: root}, len(opened.UnverifiedSigs)}, nil
}

// log reads the tree of one checkpoint. It is the tlog.TileReader of that tree.
type log struct {
	place   *place
	tree    tlog.Tree
	hashes  tlog.HashReader
	tiles   map[tlog.Tile][]byte
	leaves  []tlog.Hash // record hashes, of the entries themselves
	own     []tlog.Hash // the whole tree over them, in sumdb's order of storage
	bundles int
}

func newLog(place *place, tree tlog.Tree) *log {
	l := &log{place: place, tree: tree, tiles: make(map[tlog.Tile][]byte)}
	l.hashes = tlog.TileHashReader(tree, l)
	return l
}

func (l *log) Height() int { return height }

func (l *log) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	data := make([][]byte, len(tiles))
	for i, tile := range tiles {
		if known, ok := l.tiles[tile]; ok {
			data[i] = known
			continue
		}
		found, err := l.place.tile(strconv.Itoa(tile.L), tile, func(full []byte) ([]byte, error) {
			if len(full) != width*tlog.HashSize {
				return nil, fmt.Errorf("a full tile of %d bytes", len(full))
			}
			return full[:tile.W*tlog.HashSize], nil
		})
		if err != nil {
			return nil, err
		}
		data[i] = found
	}
	return data, nil
}

func (l *log) SaveTiles(tiles []tlog.Tile, data [][]byte) {
	for i, tile := range tiles {
		l.tiles[tile] = data[i]
	}
}

// checkTree computes the root from the tiles.
func (l *log) checkTree() error {
	root := tlog.Hash(sha256.Sum256(nil)) // of no records, RFC 6962
	if l.tree.N > 0 {
		var err error
		if root, err = tlog.TreeHash(l.tree.N, l.hashes); err != nil {
			return fmt.Errorf("tree: %w", err)
		}
	}
	if root != l.tree.Hash {
		return errors.New("tree: the tiles lead to another root")
	}
	return nil
}

// checkEntries reads every bundle and, through the proving reader, every tile of level 0; that
// reader reads each tile above them too.
func (l *log) checkEntries() error {
	for first := int64(0); first < l.tree.N; first += width {
		tile := tlog.Tile{H: height, L: 0, N: first / width, W: width}
		if rest := l.tree.N - first; rest < width {
			tile.W = int(rest)
		}
		entries, err := l.bundle(tile)
		if err != nil {
			return fmt.Errorf("entries from %d on: %w", first, err)
		}
		indexes := make([]int64, tile.W)
		for i := range indexes {
			indexes[i] = tlog.StoredHashIndex(0, first+int64(i))
		}
		hashes, err := l.hashes.ReadHashes(indexes)
		if err != nil {
			return fmt.Errorf("hashes from %d on: %w", first, err)
		}
		for i, entry := range entries {
			leaf := tlog.RecordHash(entry)
			if leaf != hashes[i] {
				return fmt.Errorf("entry %d is not the one that was hashed", first+int64(i))
			}
			l.leaves = append(l.leaves, leaf)
			more, err := tlog.StoredHashesForRecordHash(first+int64(i), leaf, tlog.HashReaderFunc(l.computed))
			if err != nil {
				return err
			}
			l.own = append(l.own, more...)
		}
		l.bundles++
	}
	return nil
}

// computed reads from the tree over the entries themselves.
func (l *log) computed(indexes []int64) ([]tlog.Hash, error) {
	hashes := make([]tlog.Hash, len(indexes))
	for i, index := range indexes {
		if index >= int64(len(l.own)) {
			return nil, fmt.Errorf("hash %d is not computed yet", index)
		}
		hashes[i] = l.own[index]
	}
	return hashes, nil
}

// checkTiles compares the root and every tile with the tree over the entries themselves.
//
// The reader of x/mod 0.7.0 is not enough: where one tile holds several of the hashes that make the
// root, it leaves as many of the other tiles unproved as were saved.
func (l *log) checkTiles() error {
	reader := tlog.HashReaderFunc(l.computed)
	if l.tree.N > 0 {
		root, err := tlog.TreeHash(l.tree.N, reader)
		if err != nil {
			return fmt.Errorf("tree: %w", err)
		}
		if root != l.tree.Hash {
			return errors.New("tree: the entries lead to another root")
		}
	}
	for tile, data := range l.tiles {
		expected, err := tlog.ReadTileData(tile, reader)
		if err != nil {
			return fmt.Errorf("tile: %w", err)
		}
		if !bytes.Equal(data, expected) {
			return fmt.Errorf("tile %d/%d is not that of the entries", tile.L, tile.N)
		}
	}
	return nil
}

// bundle reads the entries beneath a tile of level 0.
func (l *log) bundle(tile tlog.Tile) ([][]byte, error) {
	found, err := l.place.tile("entries", tile, func(full []byte) ([]byte, error) {
		all, err := split(full)
		if err != nil {
			return nil, err
		}
		if len(all) != width {
			return nil, fmt.Errorf("%d entries in a full bundle", len(all))
		}
		length := 0
		for _, entry := range all[:tile.W] {
			length += 2 + len(entry)
		}
		return full[:length], nil
	})
	if err != nil {
		return nil, err
	}
	entries, err := split(found)
	if err != nil {
		return nil, err
	}
	if len(entries) != tile.W {
		return nil, fmt.Errorf("%d entries where %d belong", len(entries), tile.W)
	}
	return entries, nil
}

// split takes a bundle apart: each entry is preceded by its length, two bytes, highest first.
func split(bundle []byte) ([][]byte, error) {
	var entries [][]byte
	for len(bundle) > 0 {
		if len(bundle) < 2 {
			return nil, errors.New("a bundle ends within a length")
		}
		length := int(bundle[0])<<8 | int(bundle[1])
		bundle = bundle[2:]
		if len(bundle) < length {
			return nil, errors.New("a bundle ends within an entry")
		}
		entries = append(entries, bundle[:length])
		bundle = bundle[length:]
	}
	return entries, nil
}

// checkInclusion proves and checks some records, first and last among them, and that a proof does
// not fit a neighbour.
func (l *log) checkInclusion() (int, error) {
	proved := 0
	step := l.tree.N/samples + 1
	for n := int64(0); n < l.tree.N; n += step {
		if err := l.checkRecord(n); err != nil {
			return 0, fmt.Errorf("inclusion of %d: %w", n, err)
		}
		proved++
	}
	if last := l.tree.N - 1; last > 0 && last%step != 0 {
		if err := l.checkRecord(last); err != nil {
			return 0, fmt.Errorf("inclusion of %d: %w", last, err)
		}
		proved++
	}
	return proved, nil
}

func (l *log) checkRecord(n int64) error {
	proof, err := tlog.ProveRecord(l.tree.N, n, l.hashes)
	if err != nil {
		return err
	}
	if err := tlog.CheckRecord(proof, l.tree.N, l.tree.Hash, n, l.leaves[n]); err != nil {
		return err
	}
	other := l.leaves[(n+1)%l.tree.N]
	if other != l.leaves[n] && tlog.CheckRecord(proof, l.tree.N, l.tree.Hash, n, other) == nil {
		return errors.New("the proof fits another record too")
	}
	return nil
}

// checkExtends proves and checks that the tree extends that of an earlier checkpoint; answers its size.
func (l *log) checkExtends(file string, verifier note.Verifier) (int64, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return 0, err
	}
	old, err := open(text, verifier)
	if err != nil {
		return 0, err
	}
	switch {
	case old.tree.N > l.tree.N:
		return 0, fmt.Errorf("the log went back from %d to %d", old.tree.N, l.tree.N)
	case old.tree.N == l.tree.N && old.tree.Hash != l.tree.Hash:
		return 0, errors.New("another root for the same size")
	case old.tree.N == 0 || old.tree.N == l.tree.N:
		return old.tree.N, nil // nothing to prove
	}
	proof, err := tlog.ProveTree(l.tree.N, old.tree.N, l.hashes)
	if err != nil {
		return 0, err
	}
	if err := tlog.CheckTree(proof, l.tree.N, l.tree.Hash, old.tree.N, old.tree.Hash); err != nil {
		return 0, fmt.Errorf("the log does not extend it: %w", err)
	}
	return old.tree.N, nil
}

// place is where a log is published: an HTTP prefix or a directory.
type place struct {
	base   string
	client *http.Client
}

// tile reads the tile or bundle on a shelf ("entries" or a level). A partial one that is gone, since
// the log has filled it, is cut from the full one.
func (p *place) tile(shelf string, tile tlog.Tile, cut func(full []byte) ([]byte, error)) ([]byte, error) {
	path := tilePath(shelf, tile)
	found, err := p.get(path)
	if tile.W == width || !errors.Is(err, fs.ErrNotExist) {
		return found, err
	}
	whole := tile
	whole.W = width
	full, err := p.get(tilePath(shelf, whole))
	if err != nil {
		return nil, fmt.Errorf("%s, or the full tile: %w", path, err)
	}
	return cut(full)
}

// tilePath is the path by tlog-tiles: that of sumdb without the height, and with "entries" for data.
func tilePath(shelf string, tile tlog.Tile) string {
	tile.L = 0
	rest := strings.TrimPrefix(tile.Path(), fmt.Sprintf("tile/%d/0/", height))
	return "tile/" + shelf + "/" + rest
}

func (p *place) get(path string) ([]byte, error) {
	if dir := strings.TrimPrefix(p.base, "file://"); dir != p.base {
		return os.ReadFile(filepath.Join(dir, filepath.FromSlash(path)))
	}
	answer, err := p.client.Get(p.base + "/" + path)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	if answer.StatusCode == http.StatusNotFound || answer.StatusCode == http.StatusGone {
		return nil, fmt.Errorf("%s: %s: %w", path, answer.Status, fs.ErrNotExist)
	}
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: %s", path, answer.Status)
	}
	body, err := io.ReadAll(io.LimitReader(answer.Body, longest+1))
	if err == nil && len(body) > longest {
		return nil, fmt.Errorf("%s: longer than any tile", path)
	}
	return body, err
}

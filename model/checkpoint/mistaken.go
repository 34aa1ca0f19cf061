package checkpoint

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"muninn/model/checkpoint/gguf"
)

// mistaken are beginnings, in any case, of what often stands in the place of a file, and what to do about it.
var mistaken = []struct{ begin, what string }{
	{"version https://git-lfs", "a git-lfs pointer in the place of the file; fetch it with git lfs pull"},
	{"<!doctype", "a web page saved in the place of the file; download the file itself"},
	{"<html", "a web page saved in the place of the file; download the file itself"},
	{"<?xml", "a server's message saved in the place of the file; download the file itself"},
	{"PK\x03\x04", "a zip archive, as PyTorch writes weights, in the place of the file; convert them to safetensors"},
	{"\x80\x02\x8a\nl\xfc\x9c", "a pickle, as PyTorch writes weights, in the place of the file; convert them to safetensors"},
}

// mistake names what the file really is, by its beginning; nil where that says nothing.
func mistake(head []byte) error {
	head = bytes.TrimPrefix(head[:min(len(head), headBytes)], []byte("\xef\xbb\xbf"))
	head = bytes.TrimSpace(head)
	for _, m := range mistaken {
		if n := len(m.begin); len(head) >= n && strings.EqualFold(string(head[:n]), m.begin) {
			return errors.New(m.what)
		}
	}
	return nil
}

// headBytes is how much of a file tells what it is.
const headBytes = 64

// instead is err, or what the file is instead of weights where its beginning tells.
func (w *weightFile) instead(err error) error {
	head := make([]byte, min(headBytes, w.size))
	if gguf.ReadFull(w.r, head, 0) != nil {
		return err
	}
	if what := mistake(head); what != nil {
		return what
	}
	if text := strings.TrimSpace(string(head)); len(text) > 8 && plain(text) {
		return fmt.Errorf("a text in the place of weights, %q: was it a server's answer? Fetch the file again", text)
	}
	return err
}

// plain tells whether a text has printable ASCII only.
func plain(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return (r < ' ' || r > '~') && r != '\n' && r != '\r' && r != '\t' })
}

// leftovers are names of files that are found where weights are missing, and what to do about them.
var leftovers = []struct{ pattern, what string }{
	{"*.incomplete", "a download that did not end; fetch the model again"},
	{".cache/huggingface/download/*.incomplete", "a download that did not end; fetch the model again"},
	{"../../blobs/*.incomplete", "a download that did not end; fetch the model again"},
	{"*-of-*.safetensors", "a shard without " + fileIndex + "; fetch that too"},
	{"*.safetensors", "weights under another name than " + fileSingle + "; rename them if they are this model's"},
	{"*.gguf", "a GGUF file; give it, and not its folder, as the model"},
	{"*.bin", "weights in PyTorch's format, which are not read; convert them to safetensors"},
	{"*.pt*", "weights in PyTorch's format, which are not read; convert them to safetensors"},
}

// leftover says what folder dir holds in place of what is missing.
func leftover(dir string) string {
	for _, l := range leftovers {
		folder, pattern := path.Split(l.pattern)
		if found, _ := fs.Glob(os.DirFS(filepath.Join(dir, folder)), pattern); len(found) > 0 {
			return fmt.Sprintf("; there is %s: %s", found[0], l.what)
		}
	}
	return ""
}

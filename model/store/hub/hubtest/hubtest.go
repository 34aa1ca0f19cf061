// Package hubtest is a hub for tests.
package hubtest

import (
	"bytes"
	"crypto/sha1"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// Commit is that of every model.
const Commit = "0123456789abcdef0123456789abcdef01234567"

// Hub has some models at one commit each.
type Hub struct {
	*httptest.Server
	Models map[string]fs.FS // by ORG/NAME
	Sent   atomic.Int64     // bytes of files
	Extra  int64            // bytes by which the hub says model.safetensors to be larger than it is
}

// New starts a hub until the test ends, and has the environment name it and an empty cache, whose folder it returns.
func New(t *testing.T, models map[string]fs.FS) (h *Hub, cache string) {
	t.Helper()
	h, cache = &Hub{Models: models}, t.TempDir()
	h.Server = httptest.NewServer(http.HandlerFunc(h.answer))
	t.Cleanup(h.Close)
	for name, value := range map[string]string{"HF_ENDPOINT": h.URL, "HF_HUB_CACHE": cache, "HF_HUB_OFFLINE": "", "HF_TOKEN": "hf_x", "HTTP_PROXY": ""} {
		t.Setenv(name, value)
	}
	return h, cache
}

func (h *Hub) answer(w http.ResponseWriter, r *http.Request) {
	for repo, files := range h.Models {
		if revision, ok := strings.CutPrefix(r.URL.Path, "/api/models/"+repo+"/revision/"); ok && (revision == "main" || revision == Commit) {
			_ = json.NewEncoder(w).Encode(map[string]any{"sha": Commit, "siblings": h.siblings(files)})
			return
		}
		if name, ok := strings.CutPrefix(r.URL.Path, "/"+repo+"/resolve/"+Commit+"/"); ok {
			if data, err := fs.ReadFile(files, name); err == nil {
				http.ServeContent(counting{w, h}, r, "", time.Time{}, bytes.NewReader(data))
				return
			}
		}
	}
	w.Header().Set("X-Error-Code", "RepoNotFound")
	w.WriteHeader(http.StatusNotFound)
}

// siblings are the files as a hub lists them.
func (h *Hub) siblings(files fs.FS) (list []map[string]any) {
	_ = fs.WalkDir(files, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := fs.ReadFile(files, path)
		sum, size := sha1.Sum(append(fmt.Appendf(nil, "blob %d\x00", len(data)), data...)), int64(len(data))
		if path == "model.safetensors" {
			size += h.Extra
		}
		list = append(list, map[string]any{"rfilename": path, "size": size, "blobId": hex.EncodeToString(sum[:])})
		return err
	})
	return list
}

type counting struct {
	http.ResponseWriter
	h *Hub
}

func (c counting) Write(p []byte) (int, error) {
	c.h.Sent.Add(int64(len(p)))
	return c.ResponseWriter.Write(p)
}

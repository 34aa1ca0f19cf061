package main

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"errors"
	"io/fs"
	"os"
	"time"
)

// file is one of an archive: its name there, and where its bytes are.
type file struct {
	name, path string
	program    bool // users run it
}

// pack makes the archive that users of the system expect, with all files in one folder, and returns it with the ending of its name.
func (t target) pack(folder string, files []file, at time.Time) ([]byte, string, error) {
	var out bytes.Buffer
	write, ending := packTar, ".tar.gz"
	if t.os == "windows" {
		write, ending = packZip, ".zip"
	}
	err := write(&out, folder, files, at)
	return out.Bytes(), ending, err
}

func (f file) mode() fs.FileMode {
	if f.program {
		return 0o755
	}
	return 0o644
}

func packTar(out *bytes.Buffer, folder string, files []file, at time.Time) error {
	zipped, err := gzip.NewWriterLevel(out, gzip.BestCompression)
	if err != nil {
		return err
	}
	w := tar.NewWriter(zipped)
	for _, f := range files {
		data, err := os.ReadFile(f.path)
		if err != nil {
			return err
		}
		h := &tar.Header{Name: folder + "/" + f.name, Size: int64(len(data)), Mode: int64(f.mode()), ModTime: at, Typeflag: tar.TypeReg}
		if err := w.WriteHeader(h); err != nil {
			return err
		}
		if _, err := w.Write(data); err != nil {
			return err
		}
	}
	return errors.Join(w.Close(), zipped.Close())
}

func packZip(out *bytes.Buffer, folder string, files []file, at time.Time) error {
	w := zip.NewWriter(out)
	for _, f := range files {
		data, err := os.ReadFile(f.path)
		if err != nil {
			return err
		}
		h := &zip.FileHeader{Name: folder + "/" + f.name, Method: zip.Deflate, Modified: at}
		h.SetMode(f.mode())
		entry, err := w.CreateHeader(h)
		if err != nil {
			return err
		}
		if _, err := entry.Write(data); err != nil {
			return err
		}
	}
	return w.Close()
}

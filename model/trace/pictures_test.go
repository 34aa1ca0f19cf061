package trace

import (
	"bytes"
	"encoding/xml"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"testing"
)

var write = flag.String("write", "", "folder that the pictures of the tests are written to, to look at them")

// cases are traces of every size.
func cases(t testing.TB) map[string]*Trace {
	return map[string]*Trace{
		"usual": sample(t, 24, 16, 32, 50), "long": sample(t, 130, 64, 32, 300), "deep": sample(t, 3, 700, 8, 20), "one": sample(t, 1, 1, 4, 0),
		"step": sample(t, 40, 1, 8, 30), "empty": sample(t, 0, 8, 4, 3),
	}
}

func keep(t *testing.T, name string, doc []byte) {
	t.Helper()
	if *write == "" {
		return
	}
	if err := os.WriteFile(filepath.Join(*write, name), doc, 0o644); err != nil {
		t.Fatal(err)
	}
}

// wellFormed reads all of an XML document.
func wellFormed(t *testing.T, doc []byte) {
	t.Helper()
	for d := xml.NewDecoder(bytes.NewReader(doc)); ; {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			return
		} else if err != nil {
			t.Fatal(err)
		}
	}
}

func TestSVG(t *testing.T) {
	for name, tr := range cases(t) {
		t.Run(name, func(t *testing.T) {
			var b bytes.Buffer
			if err := tr.WriteSVG(&b); err != nil {
				t.Fatal(err)
			}
			wellFormed(t, b.Bytes())
			if bytes.Contains(b.Bytes(), []byte("NaN")) || bytes.Contains(b.Bytes(), []byte("Inf")) {
				t.Error("numbers that are none")
			}
			keep(t, name+".svg", b.Bytes())
		})
	}
}

func TestHTML(t *testing.T) {
	for name, tr := range cases(t) {
		t.Run(name, func(t *testing.T) {
			var b bytes.Buffer
			if err := tr.WriteHTML(&b); err != nil {
				t.Fatal(err)
			}
			keep(t, name+".html", b.Bytes())
		})
	}
}

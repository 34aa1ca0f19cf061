package web

import (
	"io/fs"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
)

// TestDocument: the page's policy names just the style and script that are in it, and nothing in it asks another host or needs what
// the policy forbids.
func TestDocument(t *testing.T) {
	w := httptest.NewRecorder()
	Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
	page, policy := w.Body.String(), w.Header().Get("Content-Security-Policy")
	parts := regexp.MustCompile(`(?s)<(style|script type="module")>(.*?)</(style|script)>`).FindAllStringSubmatch(page, -1)
	if w.Code != http.StatusOK || len(parts) != 2 {
		t.Fatalf("status %d, %d parts", w.Code, len(parts))
	}
	for _, p := range parts {
		if name := strings.Fields(p[1])[0]; !strings.Contains(policy, name+"-src '"+digest(p[2])+"'") {
			t.Errorf("policy %s\nwants %s-src '%s'", policy, name, digest(p[2]))
		}
	}
	script := parts[1][2]
	for _, never := range []string{"\nimport ", "\nexport ", "{{", "innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function", "setAttribute(\"style\""} {
		if strings.Contains(script, never) {
			t.Errorf("the script has %q", never)
		}
	}
	hosts := regexp.MustCompile(`(?i)(https?:)?//[a-z0-9]+\.[a-z]`).FindAllString(page, -1)
	for _, h := range hosts {
		if h != "http://www.w" { // the names of SVG and its kin
			t.Errorf("the page speaks of a host: %s", h)
		}
	}
	if strings.Contains(page, " style=") || regexp.MustCompile(`<[^>]* on[a-z]+=`).MatchString(strings.Split(page, "<script")[0]) {
		t.Error("a style or listener stands in the markup, which the policy forbids")
	}
}

// TestModules: every file of the page is in it, and none is longer than a file here should be.
func TestModules(t *testing.T) {
	page, _ := document()
	err := fs.WalkDir(files, "page", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text := read(d.Name())
		if n := strings.Count(text, "\n"); n > 250 {
			t.Errorf("%s has %d lines", path, n)
		}
		first, _, _ := strings.Cut(text, "\n")
		if !strings.Contains(page, first) {
			t.Errorf("%s is not in the page", path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
